import { setTimeout as delay } from "node:timers/promises";
import { type EngineChoice, engines, type LabConfig } from "../../../../lab/config.ts";
import { endEngine, freezeEngine, restartEngine, upgradeEngine } from "../../../../lab/restart.ts";

/** What becomes of an engine as a whole. */
export const deeds = ["frozen", "killed", "stopped", "exchanged"] as const;
export type Deed = (typeof deeds)[number];

/** Does such things to an engine. Each comes to an end: the engine answers again. */
export interface EngineDeeds {
  /** The version that runs now. */
  readonly version: EngineChoice;
  /** @param random A number from 0 to 1: for how long it is frozen, or for which version it is exchanged. */
  run(deed: Deed, random: number): Promise<void>;
}

/** How long it is frozen at most, in ms. */
const frozenMs = 2_000;

export function createEngineDeeds(config: LabConfig): EngineDeeds {
  let version = config.engine;
  const now = (): LabConfig => ({ ...config, engine: version });
  return {
    get version() {
      return version;
    },
    async run(deed, random) {
      if (deed === "frozen") {
        freezeEngine(config, true);
        await delay(random * frozenMs);
        return freezeEngine(config, false);
      }
      await endEngine(config, deed === "killed" ? "killed" : "stopped");
      if (deed !== "exchanged") return await restartEngine(now());
      const others = engines.filter((engine) => engine !== version);
      version = others[Math.floor(random * others.length)] ?? version;
      await upgradeEngine(config, version);
    },
  };
}
