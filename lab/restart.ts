import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { EngineChoice, LabConfig } from "./config.ts";
import { chooseStore, startEngineProcess, writeDaemonConfig } from "./engine.ts";
import { callEngine } from "./engine-api.ts";
import { LabError } from "./lab-error.ts";
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

/** Stops the engine's own process where it is, or has it go on; what it runs goes on. */
export function freezeEngine(config: LabConfig, frozen: boolean): void {
  const { engine } = readState(config);
  if (engine !== undefined && isAlive(engine)) {
    process.kill(engine.pid, frozen ? "SIGSTOP" : "SIGCONT");
  }
}

/** Writes into the engine's configuration whether containers outlive it. */
function writeLiveRestore(file: string, on: boolean): { readonly "insecure-registries": string[] } {
  const settings = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(file, `${JSON.stringify({ ...settings, "live-restore": on })}\n`);
  return settings;
}

/** Changes in an engine that runs whether containers outlive it, as an operator does: by its file and SIGHUP. */
export async function setLiveRestore(config: LabConfig, on: boolean): Promise<void> {
  writeLiveRestore(join(config.stateDir, "daemon.json"), on);
  const { engine } = readState(config);
  if (engine === undefined || !isAlive(engine)) throw new LabError("usage", "no engine runs");
  process.kill(engine.pid, "SIGHUP");
  for (;;) {
    const info = await callEngine(config.dockerSocket, { path: "/info" });
    if (JSON.parse(info).LiveRestoreEnabled === on) return;
    await delay(100);
  }
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
  const settings = writeLiveRestore(file, liveRestore);
  const [open = "", ...others] = settings["insecure-registries"];
  await startEngineProcess(config, file, [open, ...others]);
}

/**
 * Starts another version's engine upon what one left that was ended by {@link endEngine}. With graph drivers all
 * versions of the lab take over from each other, the older from the newer as well.
 */
export async function upgradeEngine(config: LabConfig, engine: EngineChoice): Promise<void> {
  const file = join(config.stateDir, "daemon.json");
  const registries = JSON.parse(readFileSync(file, "utf8"))["insecure-registries"];
  // Its images stay where they are, whatever that version's own choice would be.
  const upgraded = { ...config, engine };
  writeDaemonConfig(upgraded, registries, chooseStore(config));
  await startEngineProcess(upgraded, file, registries);
}
