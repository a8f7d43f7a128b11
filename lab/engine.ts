import { createHash } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ImageStore, LabConfig } from "./config.ts";
import { startDaemon } from "./daemon.ts";
import { askEngine, callEngine } from "./engine-api.ts";
import { enginePrograms } from "./engine-programs.ts";
import { clearRemains } from "./engine-remains.ts";
import { LabError } from "./lab-error.ts";
import { endProcess, isAlive } from "./process-id.ts";
import { readState, updateState } from "./state.ts";

/** Whether the lab's own engine runs and answers. */
export async function engineAnswers(config: LabConfig): Promise<boolean> {
  if (!isAlive(readState(config).engine)) return false;
  return ping(config);
}

async function ping(config: LabConfig): Promise<boolean> {
  return askEngine(config.dockerSocket, { path: "/_ping", timeoutMs: 2000 }).then(
    ({ status }) => status === 200,
    () => false,
  );
}

/** The cgroup below which the engine puts containers that ask for no other. */
export function engineCgroup(config: LabConfig): string {
  return `dslab-${createHash("sha256").update(config.stateDir).digest("hex").slice(0, 12)}`;
}

function daemonConfig(
  config: LabConfig,
  registries: readonly string[],
  imageStore: ImageStore,
): object {
  return {
    hosts: [`unix://${config.dockerSocket}`],
    "data-root": config.dataRoot,
    "exec-root": config.execRoot,
    pidfile: config.pidFile,
    // Pods get their network from CNI; an engine without a bridge of its own touches no firewall.
    bridge: "none",
    iptables: false,
    "ip-forward": false,
    "ip-masq": false,
    "insecure-registries": registries,
    "cgroup-parent": `/${engineCgroup(config)}`,
    // Docker 20.10 keeps a key in /etc/docker otherwise.
    ...(config.engine === "20" ? { "deprecated-key-path": join(config.stateDir, "key.json") } : {}),
    ...(config.engine === "20" ? {} : { ip6tables: false }),
    ...(imageStore === "containerd" ? { features: { "containerd-snapshotter": true } } : {}),
  };
}

/** Starts the engine unless it answers already; clears away what a killed one left. */
export async function upEngine(config: LabConfig, registries: readonly string[]): Promise<void> {
  const state = readState(config);
  const imageStore = state.imageStore ?? config.imageStore ?? "graphdriver";
  if (config.imageStore !== undefined && config.imageStore !== imageStore) {
    throw new LabError(
      "usage",
      `this lab keeps images in the ${imageStore} store; take it down first, or use another LAB`,
    );
  }
  if (await engineAnswers(config)) return;
  await endProcess(state.engine, 5000);
  await clearRemains(config);
  const programs = await enginePrograms(config);
  mkdirSync(config.stateDir, { recursive: true });
  const file = join(config.stateDir, "daemon.json");
  writeFileSync(
    file,
    `${JSON.stringify(daemonConfig(config, registries, imageStore), undefined, 2)}\n`,
  );
  updateState(config, { complete: false, imageStore });
  await startDaemon({
    code: "engine",
    program: programs.dockerd,
    args: ["--config-file", file],
    path: programs.path,
    env: programs.env,
    logFile: join(config.stateDir, "dockerd.log"),
    timeoutMs: 60_000,
    onStart: (engine) => updateState(config, { engine }),
    isReady: () => ping(config),
  });
  const version = JSON.parse(await callEngine(config.dockerSocket, { path: "/version" }));
  updateState(config, { engineVersion: version.Version, apiVersion: version.ApiVersion });
}

/** Removes all containers and networks of the lab's engine, as far as it still answers. */
async function emptyEngine(config: LabConfig): Promise<void> {
  const socket = config.dockerSocket;
  const containers = await callEngine(socket, { path: "/containers/json?all=1" });
  const ids: string[] = JSON.parse(containers).map(({ Id }: { Id: string }) => Id);
  const worker = async (): Promise<void> => {
    for (let id = ids.pop(); id !== undefined; id = ids.pop()) {
      await askEngine(socket, { method: "DELETE", path: `/containers/${id}?force=1&v=1` });
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
  const filters = encodeURIComponent(JSON.stringify({ type: ["custom"] }));
  const networks = await callEngine(socket, { path: `/networks?filters=${filters}` });
  for (const { Id } of JSON.parse(networks)) {
    await askEngine(socket, { method: "DELETE", path: `/networks/${Id}` });
  }
}

/** Ends the engine and all that it runs; what the engine does not clear away itself is cleared after it. */
export async function downEngine(config: LabConfig): Promise<void> {
  if (await engineAnswers(config)) {
    // An engine that answers but cannot remove something is no reason to keep the rest.
    await emptyEngine(config).catch((error: Error) => console.error(`lab: ${error.message}`));
  }
  await endProcess(readState(config).engine, 20_000);
  await clearRemains(config);
  rmSync(config.dockerSocket, { force: true });
}
