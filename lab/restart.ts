import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LabConfig } from "./config.ts";
import { startEngineProcess } from "./engine.ts";
import { endProcess, isAlive } from "./process-id.ts";
import { readState } from "./state.ts";

/** How the engine goes down: told to, or killed in the middle of whatever it does. */
export type EngineEnd = "stopped" | "killed";

/** Ends the engine alone, as an upgrade or a crash would; what it runs is its own affair. */
export async function endEngine(config: LabConfig, how: EngineEnd): Promise<void> {
  const { engine } = readState(config);
  if (!isAlive(engine)) return;
  await endProcess(engine, how === "killed" ? 0 : 30_000);
}

/**
 * Starts an engine that was ended by {@link endEngine} upon what it left.
 *
 * @param liveRestore whether containers outlive the engine from now on
 */
export async function restartEngine(
  config: LabConfig,
  { liveRestore = false }: { readonly liveRestore?: boolean } = {},
): Promise<void> {
  const file = join(config.stateDir, "daemon.json");
  const settings = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(file, `${JSON.stringify({ ...settings, "live-restore": liveRestore })}\n`);
  await startEngineProcess(config, file, settings["insecure-registries"]);
}
