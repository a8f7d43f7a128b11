import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import type { LabConfig } from "./config.ts";
import { startDaemon } from "./daemon.ts";
import { findProgram } from "./debian.ts";
import { LabError } from "./lab-error.ts";
import { endProcess, isAlive } from "./process-id.ts";
import { readState, updateState } from "./state.ts";

/**
 * The two registries of a lab: one is open to everybody, the other serves the same images to
 * {@link registryUser} only.
 */
export type RegistryKind = "registry" | "authRegistry";

/** Who may use the registry that asks for a password. */
export const registryUser = { username: "lab", password: "lab-secret" } as const;

/** The password file of {@link registryUser}; the registry takes bcrypt only, which Node has not. */
const htpasswd = "lab:$2b$05$dockershimlabSaltxyz1uAOsRsXbZXJMX6Z9iZexOS.c6brp.mku\n";

/** Ports by slot; they lie below the kernel's ephemeral ones. */
const firstPort: Readonly<Record<RegistryKind, number>> = {
  registry: 21_500,
  authRegistry: 26_500,
};

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** A registry as an image reference names it, such as "127.0.0.1:21500". */
export function registryAddress(port: number): string {
  return `127.0.0.1:${port}`;
}

/** Whether a registry listens there; the one with a password answers 401 to us. */
function answers(port: number): Promise<boolean> {
  return fetch(`http://${registryAddress(port)}/v2/`, { signal: AbortSignal.timeout(30_000) }).then(
    ({ status }) => status === 200 || status === 401,
    () => false,
  );
}

/** Whether the lab's own registry runs and answers. */
export async function registryAnswers(config: LabConfig, kind: RegistryKind): Promise<boolean> {
  const registry = readState(config)[kind];
  return isAlive(registry?.process) && registry !== undefined && (await answers(registry.port));
}

/** The port of the slot, or of the slots' next round where something else listens on it. */
async function choosePort(kind: RegistryKind, slot: number): Promise<number> {
  for (let round = 0; round < 19; round++) {
    const port = firstPort[kind] + round * 256 + slot;
    if (await isFree(port)) return port;
  }
  throw new LabError("host", "no free port for the registry");
}

/** Starts the registry unless it answers already; returns its address. It keeps its port over restarts. */
export async function upRegistry(
  config: LabConfig,
  kind: RegistryKind,
  slot: number,
): Promise<string> {
  const old = readState(config)[kind];
  if (old !== undefined && (await registryAnswers(config, kind))) return registryAddress(old.port);
  await endProcess(old?.process, 5000);
  const port = old && (await isFree(old.port)) ? old.port : await choosePort(kind, slot);
  const folder = join(config.stateDir, "registry");
  mkdirSync(folder, { recursive: true });
  const passwords = join(folder, "htpasswd");
  writeFileSync(passwords, htpasswd);
  const file = join(folder, `${kind}.yml`);
  writeFileSync(
    file,
    // JSON is YAML.
    JSON.stringify({
      version: 0.1,
      log: { level: "warn", accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: join(folder, "data") }, delete: { enabled: true } },
      http: { addr: registryAddress(port) },
      ...(kind === "authRegistry"
        ? { auth: { htpasswd: { realm: "dockershim lab", path: passwords } } }
        : {}),
    }),
  );
  await startDaemon({
    code: "registry",
    program: findProgram("docker-registry") ?? "docker-registry",
    args: ["serve", file],
    path: process.env.PATH ?? "",
    logFile: join(config.stateDir, `${kind}.log`),
    timeoutMs: 120_000,
    onStart: (process) => updateState(config, { [kind]: { process, port } }),
    isReady: () => answers(port),
  });
  return registryAddress(port);
}

export async function downRegistry(config: LabConfig, kind: RegistryKind): Promise<void> {
  await endProcess(readState(config)[kind]?.process, 5000);
}
