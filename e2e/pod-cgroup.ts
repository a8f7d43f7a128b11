import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { tryCommand } from "../lab/command.ts";
import { runsSystemd } from "../lab/config.ts";

interface Hierarchy {
  readonly folder: string;
  readonly options: readonly string[];
}

function hierarchies(): Hierarchy[] {
  const mounts = readFileSync("/proc/mounts", "utf8").matchAll(/^\S+ (\S+) cgroup2? (\S+)/gm);
  return [...mounts].map(([, folder = "", options = ""]) => ({
    folder,
    options: options.split(","),
  }));
}

/**
 * Makes the cgroup that a kubelet keeps its pods below, in every hierarchy: a kubelet does not start when its
 * `cgroupRoot` is missing.
 */
export function makePodCgroup(name: string): void {
  for (const { folder, options } of hierarchies()) {
    const cgroup = join(folder, name);
    mkdirSync(cgroup, { recursive: true });
    if (!options.includes("cpuset")) continue;
    // A new cpuset of cgroup v1 is empty, and takes no process.
    for (const file of ["cpuset.cpus", "cpuset.mems"]) {
      writeFileSync(join(cgroup, file), readFileSync(join(folder, file)));
    }
  }
}

/** Removes that cgroup with all below it; the pods must be gone. */
export async function removePodCgroup(name: string): Promise<void> {
  // systemd would go on to count with a slice that is removed behind its back.
  if (runsSystemd()) await tryCommand("systemctl", ["stop", `${name}.slice`]);
  for (const { folder } of hierarchies()) removeTree(join(folder, name));
}

function removeTree(cgroup: string): void {
  if (!existsSync(cgroup)) return;
  for (const child of readdirSync(cgroup, { withFileTypes: true })) {
    if (child.isDirectory()) removeTree(join(cgroup, child.name));
  }
  rmdirSync(cgroup);
}
