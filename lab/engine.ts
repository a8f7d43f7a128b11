import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { ImageStore, LabConfig } from "./config.ts";
import { startDaemon } from "./daemon.ts";
import { askEngine, callEngine } from "./engine-api.ts";
import { enginePrograms, specHookFolder } from "./engine-programs.ts";
import { clearRemains } from "./engine-remains.ts";
import { LabError } from "./lab-error.ts";
import { publicRegistries } from "./look-alikes.ts";
import { endProcess, isAlive, listProcesses } from "./process-id.ts";
import { readState, updateState } from "./state.ts";

/** Whether the lab's own engine runs and answers. */
export async function engineAnswers(config: LabConfig): Promise<boolean> {
  if (!isAlive(readState(config).engine)) return false;
  return ping(config);
}

/** An engine that does not answer for as long as that is stuck, not slow. */
async function ping(config: LabConfig): Promise<boolean> {
  return askEngine(config.dockerSocket, { path: "/_ping", timeoutMs: 30_000 }).then(
    ({ status }) => status === 200,
    () => false,
  );
}

/**
 * The cgroup below which the engine puts containers that ask for no other; with systemd a slice of it, where a
 * dash in the name would mean a slice in a slice.
 */
export function engineCgroup({ cgroupDriver, stateDir }: LabConfig): string {
  const id = createHash("sha256").update(stateDir).digest("hex").slice(0, 12);
  return cgroupDriver === "systemd" ? `dslab${id}.slice` : `dslab-${id}`;
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
    // Docker's own registry is the one that can be given another for it.
    ...(config.lookAlikes ? { "registry-mirrors": [`http://${registries[0]}`] } : {}),
    "insecure-registries": [...registries, ...(config.lookAlikes ? publicRegistries : [])],
    "exec-opts": [`native.cgroupdriver=${config.cgroupDriver}`],
    // With systemd the engine takes a slice's name alone.
    "cgroup-parent": `${config.cgroupDriver === "systemd" ? "" : "/"}${engineCgroup(config)}`,
    // Docker 20.10 keeps a key in /etc/docker otherwise.
    ...(config.engine === "20" ? { "deprecated-key-path": join(config.stateDir, "key.json") } : {}),
    ...(config.engine === "20" ? {} : { ip6tables: false }),
    ...(config.criu ? { experimental: true } : {}),
    runtimes: {
      // Kubernetes' tests of a node ask for a runtime of that name; it is the usual one.
      ...(config.lookAlikes ? { "test-handler": { path: "runc" } } : {}),
      // With systemd's cgroup driver the spec hook works as a runtime alone (docs/install.md).
      ...(config.cgroupDriver === "systemd" ? { dockershim: { path: wrapperOf(config) } } : {}),
    },
    ...storeConfig(config, imageStore),
  };
}

/** The spec hook under the name by which it stands in for runc. */
function wrapperOf({ stateDir }: LabConfig): string {
  return join(stateDir, "dockershim-runc");
}

/** @returns The file. */
export function writeDaemonConfig(
  config: LabConfig,
  registries: readonly string[],
  imageStore: ImageStore,
): string {
  const file = join(config.stateDir, "daemon.json");
  writeFileSync(
    file,
    `${JSON.stringify(daemonConfig(config, registries, imageStore), undefined, 2)}\n`,
  );
  return file;
}

/** Docker 29 starts with containerd's store, and older ones with a graph driver; the latter know no other. */
function storeConfig({ engine }: LabConfig, imageStore: ImageStore): object {
  if (imageStore === "containerd") return { features: { "containerd-snapshotter": true } };
  return engine === "29"
    ? { features: { "containerd-snapshotter": false }, "storage-driver": "overlay2" }
    : {};
}

/**
 * Makes the registry the engine's proxy: it then answers for every registry's name, without a line in
 * /etc/hosts or a port that only one lab can have. It takes an absolute URL for its path. The proxy for HTTPS is a
 * port on which nobody listens, so that the engine falls back to plain HTTP: Docker's own client does so after
 * any failure, and containerd's only where a connection is refused.
 */
function proxyEnv(config: LabConfig, registry: string): Record<string, string> {
  return config.lookAlikes
    ? { HTTP_PROXY: `http://${registry}`, HTTPS_PROXY: "http://127.0.0.1:1" }
    : {};
}

/** Where the lab's engine keeps images; throws a {@link LabError} when a lab that is up does it otherwise. */
export function chooseStore(config: LabConfig): ImageStore {
  const { imageStore } = readState(config);
  if (imageStore !== undefined && config.imageStore !== undefined) {
    if (imageStore === config.imageStore) return imageStore;
    throw new LabError(
      "usage",
      `this lab keeps images in the ${imageStore} store; take it down first, or use another LAB`,
    );
  }
  const usual = config.engine === "29" ? "containerd" : "graphdriver";
  return imageStore ?? config.imageStore ?? usual;
}

/**
 * Makes the folders above containerd's bundles, which an engine that starts its own containerd makes for root alone.
 * Where containerd is the system's, all can pass them, and root of a pod's user namespace has to.
 */
function openExecRoot({ execRoot }: LabConfig): void {
  for (const folder of [execRoot, join(execRoot, "containerd")]) {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o711);
  }
}

/** Starts the engine unless it answers already; clears away what a killed one left. */
export async function upEngine(
  config: LabConfig,
  registries: readonly [open: string, ...others: string[]],
): Promise<void> {
  const state = readState(config);
  const imageStore = chooseStore(config);
  if (await engineAnswers(config)) return;
  await endProcess(state.engine, 20_000);
  await clearRemains(config);
  mkdirSync(config.stateDir, { recursive: true });
  openExecRoot(config);
  rmSync(wrapperOf(config), { force: true });
  symlinkSync(join(specHookFolder, "containerd-shim-dockershim-v2"), wrapperOf(config));
  const file = writeDaemonConfig(config, registries, imageStore);
  updateState(config, { complete: false, imageStore });
  await startEngineProcess(config, file, registries);
  const version = JSON.parse(await callEngine(config.dockerSocket, { path: "/version" }));
  updateState(config, { engineVersion: version.Version, apiVersion: version.ApiVersion });
}

/**
 * Removes the pid file of an engine's containerd unless that runs.
 *
 * Docker takes any process of that number for its containerd, and ends it with itself when it does not answer. It may
 * be a zombie that its new parent has yet to reap, or somebody else's: on a busy machine numbers come round in a minute.
 */
function dropStalePidFile(folder: string): void {
  const file = join(folder, "containerd.pid");
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, "utf8"));
  const runs = listProcesses().some(
    ({ id, commandLine }) => id.pid === pid && commandLine.includes(`${folder}/`),
  );
  if (!runs) rmSync(file);
}

/** Starts dockerd with that configuration file and waits until it answers. */
export async function startEngineProcess(
  config: LabConfig,
  file: string,
  registries: readonly [open: string, ...others: string[]],
): Promise<void> {
  const programs = await enginePrograms(config);
  await startDaemon({
    code: "engine",
    program: programs.dockerd,
    args: ["--config-file", file],
    path: programs.path,
    env: { ...programs.env, ...proxyEnv(config, registries[0]) },
    logFile: join(config.stateDir, "dockerd.log"),
    timeoutMs: 300_000,
    onStart: (engine) => updateState(config, { engine }),
    isReady: () => ping(config),
    // dockerd gives its containerd 15 s and then ends; a busy machine takes longer the first time.
    slowWords: "timeout waiting for containerd to start",
    beforeStart: () => dropStalePidFile(join(config.execRoot, "containerd")),
  });
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
  await endProcess(readState(config).engine, 60_000);
  await clearRemains(config);
  rmSync(config.dockerSocket, { force: true });
}
