import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { tryCommand } from "./command.ts";
import type { LabConfig } from "./config.ts";
import { unmountBelow } from "./mounts.ts";
import { hasInterface } from "./network.ts";
import { endProcess, identify, listProcesses } from "./process-id.ts";

const entries = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);

function readJson(file: string): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return {};
  }
}

/** The cgroup folders of the containers that runc still has a record of. */
function containerCgroups(config: LabConfig): string[] {
  const records = join(config.execRoot, "runtime-runc", "moby");
  return entries(records).flatMap((id) => {
    const { cgroup_paths: paths } = readJson(join(records, id, "state.json"));
    // Only folders named after the container: never one that others may share.
    return Object.values((paths ?? {}) as Record<string, string>).filter((path) =>
      basename(path).includes(id),
    );
  });
}

function membersOf(cgroup: string): number[] {
  try {
    return readFileSync(join(cgroup, "cgroup.procs"), "utf8")
      .split("\n")
      .filter(Boolean)
      .map(Number);
  } catch {
    return [];
  }
}

/**
 * Addresses of the shims' sockets, which lie outside of the engine's folders; containerd notes them in
 * `address`, or from 2.0 on in `bootstrap.json`.
 */
function shimSockets(config: LabConfig): string[] {
  const tasks = join(
    config.execRoot,
    "containerd",
    "daemon",
    "io.containerd.runtime.v2.task",
    "moby",
  );
  return entries(tasks).flatMap((id) => {
    const file = join(tasks, id, "address");
    const address = existsSync(file)
      ? readFileSync(file, "utf8").trim()
      : readJson(join(tasks, id, "bootstrap.json")).address;
    return typeof address === "string" ? [address.replace("unix://", "")] : [];
  });
}

/** Bridges of networks that the engine had made, read from its own database. */
function engineBridges(config: LabConfig): string[] {
  const database = join(config.dataRoot, "network", "files", "local-kv.db");
  if (!existsSync(database)) return [];
  const names = readFileSync(database, "latin1").match(/br-[0-9a-f]{12}/g) ?? [];
  return [...new Set(names)].filter((name) => hasInterface(name));
}

/** Where the machine's own containerd has the tasks of engines; one that finds it takes it instead of a private one. */
const sharedTasks = "/run/containerd/io.containerd.runtime.v2.task/moby";

/**
 * Ends containerd, then its shims and whatever they have started meanwhile: all of them name the engine's
 * folder in their arguments. In the other order containerd would tidy up after each shim while we do. The machine's
 * own containerd goes on: shims that it has for the engine name one of its containers.
 */
async function endRuntimes(config: LabConfig): Promise<void> {
  const ids = entries(join(config.dataRoot, "containers"));
  const isOurs = (commandLine: string): boolean =>
    commandLine.includes(`${config.execRoot}/`) ||
    ids.includes(/ -namespace moby -id (\S+)/.exec(commandLine)?.[1] ?? "");
  for (const program of [
    /^\S*containerd --config /,
    /^\S*(containerd|runc)/,
    /^\S*(containerd|runc)/,
  ]) {
    for (const { id, commandLine } of listProcesses()) {
      if (program.test(commandLine) && isOurs(commandLine)) await endProcess(id, 0);
    }
  }
  await tidied(ids);
}

/** Waits while the machine's containerd clears up after those; it gives each up after five seconds. */
async function tidied(ids: readonly string[]): Promise<void> {
  let left = ids;
  for (let since = Date.now(); left.length > 0 && Date.now() < since + 10_000; await delay(100)) {
    const still = left.filter((id) => existsSync(join(sharedTasks, id)));
    if (still.length < left.length) since = Date.now();
    left = still;
  }
}

/**
 * Clears away what an engine of this lab left when it was killed: containers, shims, containerd, their
 * mounts, sockets, cgroups and bridges. After a proper end there is nothing to do.
 */
export async function clearRemains(config: LabConfig): Promise<void> {
  const cgroups = containerCgroups(config);
  const sockets = shimSockets(config);
  await endRuntimes(config);
  // All are identified before the first is ended: most end with it, and their numbers go to others.
  const members = cgroups.flatMap(membersOf).map(identify);
  for (const member of members) await endProcess(member, 0);
  // systemd removes its own as soon as they are empty.
  for (const cgroup of cgroups) {
    try {
      rmdirSync(cgroup);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  await unmountBelow(config.stateDir);
  for (const bridge of engineBridges(config)) await tryCommand("ip", ["link", "delete", bridge]);
  for (const path of [...sockets, config.execRoot, config.pidFile]) {
    rmSync(path, { recursive: true, force: true });
  }
}

/** Removes the engine's own cgroup, now empty, from every hierarchy, and from systemd where it is a slice. */
export async function removeCgroup(name: string): Promise<void> {
  if (name.endsWith(".slice")) await tryCommand("systemctl", ["stop", name]);
  const mounts = readFileSync("/proc/mounts", "utf8").matchAll(/^\S+ (\S+) cgroup2? /gm);
  for (const [, hierarchy = ""] of mounts) {
    const folder = join(hierarchy, name);
    if (!existsSync(folder)) continue;
    for (const child of readdirSync(folder, { withFileTypes: true })) {
      if (child.isDirectory()) rmdirSync(join(folder, child.name));
    }
    rmdirSync(folder);
  }
}
