import { CgroupError } from "./errors.js";
import { readKernelRecord } from "./kernel-file.js";
import type { CgroupHierarchies, CgroupMode, HierarchyMount } from "./mode.js";
import { lines } from "./parse.js";

/** Where the files of one cgroup are. Plain data: keep it per container, it does not expire. */
export interface CgroupPath {
  readonly mode: CgroupMode;
  /** Directory in each cgroup v1 hierarchy, by controller name. Empty on v2. */
  readonly v1: ReadonlyMap<string, string>;
  /** Directory in the cgroup v2 hierarchy. */
  readonly unified: string | undefined;
}

/** A cgroup as the engine was told to make it. */
export interface CgroupLocation {
  /** The engine's cgroup driver, as `GET /info` reports it in `CgroupDriver`. */
  readonly driver: "cgroupfs" | "systemd";
  /**
   * The parent (`HostConfig.CgroupParent`, the CRI's `cgroup_parent`); the engine's own default,
   * `/docker` or `system.slice`, when left out.
   */
  readonly parent?: string;
  /** The container; left out, the location is the parent itself, such as a pod's cgroup. */
  readonly containerId?: string;
}

/** The directories of one controller, with the version whose files they hold. */
export interface ControllerDirectory {
  readonly version: 1 | 2;
  readonly directory: string;
}

/** The directory that holds a controller's files: on hybrid machines v1 goes before v2. */
export function controllerDirectory(
  path: CgroupPath,
  v1Controller: string,
): ControllerDirectory | undefined {
  const directory = path.v1.get(v1Controller);
  if (directory !== undefined) return { version: 1, directory };
  if (path.unified !== undefined) return { version: 2, directory: path.unified };
  return undefined;
}

/** All directories of a cgroup, each once. */
export function directoriesOf(path: CgroupPath): ReadonlySet<string> {
  const all = new Set(path.v1.values());
  if (path.unified !== undefined) all.add(path.unified);
  return all;
}

/**
 * The cgroup of a process, from /proc/<pid>/cgroup.
 *
 * A process in the root of a hierarchy has no figures of its own there (they would be the whole
 * machine's), so that hierarchy is left out; undefined when none is left or the process is gone.
 */
export function cgroupOfProcess(
  hierarchies: CgroupHierarchies,
  procRoot: string,
  pid: number,
): CgroupPath | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 0) {
    throw new CgroupError("invalid_path", `${pid} is not a process id`);
  }
  const text = readKernelRecord(`${procRoot}/${pid}/cgroup`);
  if (text === undefined) return undefined;
  const v1 = new Map<string, string>();
  let unified: string | undefined;
  for (const line of lines(text)) {
    // hierarchy-ID:controller-list:cgroup-path, where the path may contain colons.
    const match = /^(\d+):([^:]*):(\/.*)$/.exec(line);
    const [, id, names, cgroup] = match ?? [];
    if (id === undefined || names === undefined || cgroup === undefined) continue;
    if (id === "0" && names === "") {
      unified = directoryIn(hierarchies.unified, cgroup);
      continue;
    }
    for (const name of names.split(",")) {
      const directory = directoryIn(hierarchies.v1.get(name), cgroup);
      if (directory !== undefined) v1.set(name, directory);
    }
  }
  if (v1.size === 0 && unified === undefined) return undefined;
  return { mode: hierarchies.mode, v1, unified };
}

function directoryIn(mount: HierarchyMount | undefined, cgroup: string): string | undefined {
  if (mount === undefined || cgroup.endsWith(" (deleted)")) return undefined;
  let below = cgroup;
  if (mount.mountedCgroup !== "/") {
    if (!cgroup.startsWith(`${mount.mountedCgroup}/`)) return undefined;
    below = cgroup.slice(mount.mountedCgroup.length);
  }
  // A process outside of this cgroup namespace's root shows as /../…, which no mount reaches.
  if (below === "/" || below.split("/").includes("..")) return undefined;
  return mount.directory + below;
}

/**
 * The cgroup that the engine makes for a location, whether or not it exists yet.
 *
 * @throws CgroupError `invalid_path` for a parent or id that would lead elsewhere.
 */
export function cgroupAtLocation(
  hierarchies: CgroupHierarchies,
  location: CgroupLocation,
): CgroupPath {
  const below = pathBelowRoot(location);
  const v1 = new Map<string, string>();
  for (const [name, mount] of hierarchies.v1) v1.set(name, mount.directory + below);
  const unified = hierarchies.unified && hierarchies.unified.directory + below;
  return { mode: hierarchies.mode, v1, unified };
}

function pathBelowRoot({ driver, parent, containerId }: CgroupLocation): string {
  if (containerId !== undefined && !/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(containerId)) {
    throw new CgroupError("invalid_path", `"${containerId}" is not a container id`);
  }
  if (driver === "systemd") {
    const slice = systemdSlicePath(parent === undefined || parent === "" ? "system.slice" : parent);
    return containerId === undefined ? slice : `${slice}/docker-${containerId}.scope`;
  }
  const base = parent === undefined || parent === "" ? "/docker" : parent;
  const parts = base.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.length === 0 && containerId === undefined) {
    throw new CgroupError("invalid_path", "the root cgroup is not a container's or a pod's");
  }
  if (parts.includes("..") || base.includes("\0")) {
    throw new CgroupError("invalid_path", `"${base}" leaves the cgroup hierarchy`);
  }
  if (containerId !== undefined) parts.push(containerId);
  return `/${parts.join("/")}`;
}

/**
 * The path of a slice: systemd nests `a-b-c.slice` as `/a.slice/a-b.slice/a-b-c.slice`
 * (systemd.slice(5)). The kubelet hands over the whole path and Docker takes the name, so both
 * forms are accepted and the last name decides.
 */
export function systemdSlicePath(slice: string): string {
  const name = slice.slice(slice.lastIndexOf("/") + 1);
  const stem = name.endsWith(".slice") ? name.slice(0, -".slice".length) : "";
  if (!/^[A-Za-z0-9:_.\\@]+(?:-[A-Za-z0-9:_.\\@]+)*$/.test(stem) || stem === "..") {
    throw new CgroupError("invalid_path", `"${slice}" is not a systemd slice`);
  }
  const parts = stem.split("-");
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join("-")}.slice`).join("");
}
