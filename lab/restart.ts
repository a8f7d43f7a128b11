import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LabConfig } from "./config.ts";
import { startEngineProcess } from "./engine.ts";
import { endProcess, identify, isAlive } from "./process-id.ts";
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
 * Removes the pid file of an engine's containerd that has died.
 *
 * It dies with a killed dockerd, but stays a zombie until its new parent reaps it, and Docker 20.10 takes the
 * zombie for a containerd that runs.
 */
function dropDeadPidFile(file: string): void {
  if (!existsSync(file)) return;
  if (identify(Number(readFileSync(file, "utf8"))) === undefined) rmSync(file);
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
  dropDeadPidFile(join(config.execRoot, "containerd", "containerd.pid"));
  await startEngineProcess(config, file, settings["insecure-registries"]);
}
