import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import type { LabConfig } from "./config.ts";
import { startDaemon } from "./daemon.ts";
import { findProgram } from "./debian.ts";
import { LabError } from "./lab-error.ts";
import { endProcess, isAlive } from "./process-id.ts";
import { readState, updateState } from "./state.ts";

/** The first of the ports that registries of labs may get; they lie below the kernel's ephemeral ones. */
const firstPort = 21_500;

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** The lab's registry as an image reference names it, such as "127.0.0.1:21500". */
export function registryAddress(port: number): string {
  return `127.0.0.1:${port}`;
}

async function answers(port: number): Promise<boolean> {
  return fetch(`http://${registryAddress(port)}/v2/`, { signal: AbortSignal.timeout(2000) }).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** Whether the lab's own registry runs and answers. */
export async function registryAnswers(config: LabConfig): Promise<boolean> {
  const { registry, registryPort } = readState(config);
  return registryPort !== undefined && isAlive(registry) && (await answers(registryPort));
}

/** The port of the slot, or of the slots' next round where something else listens on it. */
async function choosePort(slot: number): Promise<number> {
  for (let port = firstPort + slot; port < 32_000; port += 256) {
    if (await isFree(port)) return port;
  }
  throw new LabError("host", "no free port for the registry");
}

/** Starts the registry unless it answers already; returns its address. It keeps its port over restarts. */
export async function upRegistry(config: LabConfig, slot: number): Promise<string> {
  const state = readState(config);
  if (state.registryPort !== undefined && (await registryAnswers(config))) {
    return registryAddress(state.registryPort);
  }
  await endProcess(state.registry, 5000);
  const old = state.registryPort;
  const port = old !== undefined && (await isFree(old)) ? old : await choosePort(slot);
  const folder = join(config.stateDir, "registry");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "config.yml");
  writeFileSync(
    file,
    // JSON is YAML.
    JSON.stringify({
      version: 0.1,
      log: { level: "warn", accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: join(folder, "data") }, delete: { enabled: true } },
      http: { addr: registryAddress(port) },
    }),
  );
  await startDaemon({
    code: "registry",
    program: findProgram("docker-registry") ?? "docker-registry",
    args: ["serve", file],
    path: process.env.PATH ?? "",
    logFile: join(config.stateDir, "registry.log"),
    timeoutMs: 15_000,
    onStart: (registry) => updateState(config, { registry, registryPort: port }),
    isReady: () => answers(port),
  });
  return registryAddress(port);
}

export async function downRegistry(config: LabConfig): Promise<void> {
  await endProcess(readState(config).registry, 5000);
}
