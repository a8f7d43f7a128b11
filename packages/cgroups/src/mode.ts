import { CgroupError } from "./errors.js";
import { listKernelSubdirectories, readKernelFile } from "./kernel-file.js";
import { type MountInfo, parseMountInfo } from "./mount-info.js";
import { words } from "./parse.js";

/**
 * `v1`: only cgroup v1 controllers. `v2`: one unified hierarchy. `hybrid`: resource controllers
 * on v1 and a v2 hierarchy beside them, which may hold the controllers that v1 left.
 */
export type CgroupMode = "v1" | "v2" | "hybrid";

/** Where one hierarchy is mounted. */
export interface HierarchyMount {
  readonly directory: string;
  /** The cgroup that is mounted there: not `/` inside a container without a cgroup namespace. */
  readonly mountedCgroup: string;
}

/** All hierarchies of a machine. */
export interface CgroupHierarchies {
  readonly mode: CgroupMode;
  /** cgroup v1 mounts by controller (`memory`, `cpu`, …) or by name (`name=systemd`). */
  readonly v1: ReadonlyMap<string, HierarchyMount>;
  /** The cgroup v2 mount, where there is one. */
  readonly unified: HierarchyMount | undefined;
  /** Controllers that cgroup v2 offers at its root. */
  readonly unifiedControllers: ReadonlySet<string>;
}

const v1Controllers: ReadonlySet<string> = new Set([
  "blkio",
  "cpu",
  "cpuacct",
  "cpuset",
  "devices",
  "freezer",
  "hugetlb",
  "memory",
  "misc",
  "net_cls",
  "net_prio",
  "perf_event",
  "pids",
  "rdma",
]);

/**
 * Finds the cgroup hierarchies below `root`, from this process's mount table, or, where that
 * table has none of them (a recorded tree, a chroot), from the names of the directories.
 *
 * @throws CgroupError `not_available` when there is none.
 */
export function detectHierarchies(root: string, procRoot: string): CgroupHierarchies {
  const table = parseMountInfo(readKernelFile(`${procRoot}/self/mountinfo`) ?? "");
  const found = fromMountTable(root, table) ?? fromDirectories(root);
  if (found === undefined) {
    throw new CgroupError("not_available", `no cgroup hierarchy is mounted below ${root}`);
  }
  const { v1, unified } = found;
  const hasV1Resources = [...v1.keys()].some((name) => v1Controllers.has(name));
  const controllers =
    unified === undefined ? undefined : readKernelFile(`${unified.directory}/cgroup.controllers`);
  return {
    mode: unified === undefined ? "v1" : hasV1Resources ? "hybrid" : "v2",
    v1,
    unified,
    unifiedControllers: new Set(words(controllers ?? "")),
  };
}

interface FoundHierarchies {
  readonly v1: Map<string, HierarchyMount>;
  readonly unified: HierarchyMount | undefined;
}

function fromMountTable(root: string, table: readonly MountInfo[]): FoundHierarchies | undefined {
  const v1 = new Map<string, HierarchyMount>();
  let unified: HierarchyMount | undefined;
  for (const mount of table) {
    if (mount.mountPoint !== root && !mount.mountPoint.startsWith(`${root}/`)) continue;
    const place = { directory: mount.mountPoint, mountedCgroup: mount.root };
    if (mount.fsType === "cgroup2") unified ??= place;
    if (mount.fsType !== "cgroup") continue;
    for (const option of mount.superOptions) {
      if (!v1Controllers.has(option) && !option.startsWith("name=")) continue;
      if (!v1.has(option)) v1.set(option, place);
    }
  }
  return v1.size === 0 && unified === undefined ? undefined : { v1, unified };
}

function fromDirectories(root: string): FoundHierarchies | undefined {
  if (readKernelFile(`${root}/cgroup.controllers`) !== undefined) {
    return { v1: new Map(), unified: { directory: root, mountedCgroup: "/" } };
  }
  const v1 = new Map<string, HierarchyMount>();
  let unified: HierarchyMount | undefined;
  for (const name of listKernelSubdirectories(root)) {
    const place = { directory: `${root}/${name}`, mountedCgroup: "/" };
    if (name === "unified") {
      if (readKernelFile(`${place.directory}/cgroup.controllers`) !== undefined) unified = place;
    } else if (name === "systemd") {
      v1.set("name=systemd", place);
    } else {
      for (const part of name.split(",")) if (v1Controllers.has(part)) v1.set(part, place);
    }
  }
  return v1.size === 0 && unified === undefined ? undefined : { v1, unified };
}
