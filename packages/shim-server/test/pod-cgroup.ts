import { execFileSync } from "node:child_process";
import {
  existsSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { DockerClient } from "@dockershim/docker-client";

const root = "/sys/fs/cgroup";

/** A pod's cgroup, as a kubelet names it; the engine makes it with the pod, and nobody of ours removes it. */
export interface PodCgroup {
  /** For `linux.cgroup_parent`. */
  readonly parent: string;
  /** Where a controller's files are, on cgroup v1 or v2. */
  file(controller: string, name: string): string;
  read(controller: string, name: string): string;
  write(controller: string, name: string, value: string): void;
  remove(): void;
}

/** @param name Letters only: a dash in a slice's name would put it into another slice. */
export async function podCgroup(
  docker: Pick<DockerClient, "info">,
  name: string,
): Promise<PodCgroup> {
  const { CgroupDriver: driver } = await docker.info();
  const systemd = driver === "systemd";
  const own = `${name}${process.pid}`;
  const parent = systemd ? `/${own}.slice` : `/${own}`;
  const unified = existsSync(join(root, "cgroup.controllers"));
  const file = (controller: string, called: string): string =>
    join(root, unified ? "" : controller, parent, called);
  return {
    parent,
    file,
    read: (controller, called) => readFileSync(file(controller, called), "utf8").trim(),
    write: (controller, called, value) => writeFileSync(file(controller, called), value),
    remove() {
      if (systemd) execFileSync("systemctl", ["stop", `${own}.slice`]);
      for (const path of foldersOf(parent)) rmdirSync(path);
    },
  };
}

/** The cgroups above those that a process is in, as paths from the root of their hierarchies. */
export function cgroupsAbove(pid: number): string[] {
  const paths = readFileSync(`/proc/${pid}/cgroup`, "utf8").matchAll(/^\d+:[^:]*:(.*)$/gm);
  return [...new Set(Array.from(paths, ([, path = ""]) => dirname(path)))];
}

/** Where such a cgroup is: in one hierarchy, or in each of cgroup v1. */
export function foldersOf(cgroup: string): string[] {
  const folders = ["", ...readdirSync(root)].map((hierarchy) => join(root, hierarchy, cgroup));
  // Some hierarchies are links to others.
  return [...new Set(folders.filter(existsSync).map((folder) => realpathSync(folder)))];
}

/** Removes a cgroup, and those above it, as far as nothing else is in them. */
export function removeCgroup(cgroup: string): void {
  for (let path = cgroup; path !== "/"; path = dirname(path)) {
    try {
      for (const folder of foldersOf(path)) rmdirSync(folder);
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code !== "EBUSY") throw err;
      return;
    }
  }
}
