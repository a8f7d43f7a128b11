import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
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
      for (const hierarchy of ["", ...readdirSync(root)]) {
        const path = join(root, hierarchy, parent);
        // Some hierarchies are links to others, so it may be gone already.
        if (existsSync(path)) rmdirSync(path);
      }
    },
  };
}
