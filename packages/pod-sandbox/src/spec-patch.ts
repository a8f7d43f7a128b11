import type { InspectedContainer } from "./docker-inspect.js";
import { SPEC_PATCH_LABEL } from "./labels.js";

/**
 * A change of a container's OCI runtime spec, for what Docker's API has no field for. Plain data: it is kept in a label
 * of the container, and applied between Docker, which wrote the spec, and the runtime, which is about to read it.
 */
export interface SpecPatch {
  /**
   * Becomes part of the spec. Objects are merged key by key, and null takes a key away. Lists whose entries have a name
   * (`mounts` by destination, `process.rlimits` and `linux.namespaces` by type, `linux.devices` by path,
   * `linux.resources.hugepageLimits` by page size) get new entries, and others in place of those of the same name;
   * hooks are added to those that are there. Any other value takes the place of what is there.
   */
  merge?: OciSpecPart;
  /** Options that the mount at a destination gets besides those it has. */
  mountOptions?: Record<string, readonly string[]>;
  /** Which ids the files of the mount at a destination are seen with. */
  mountMappings?: Record<string, OciMountMappings>;
  /** The user namespace of the container; without it that is the node's. */
  userNamespace?: UserNamespacePatch;
}

/** Ids in the OCI runtime spec's words: `size` of them from `containerID` on are those from `hostID` on. */
export interface OciIdMapping {
  containerID: number;
  hostID: number;
  size: number;
}

/** The user namespace of a container. */
export interface UserNamespacePatch {
  uids: readonly OciIdMapping[];
  gids: readonly OciIdMapping[];
  /** Id of the sandbox whose namespace it joins; a sandbox makes one of its own. */
  sandbox?: string;
}

/** How the owners of files are seen through a mount. */
export interface OciMountMappings {
  uidMappings: readonly OciIdMapping[];
  gidMappings: readonly OciIdMapping[];
}

/** The parts of an OCI runtime spec that have no counterpart in Docker's API. */
export interface OciSpecPart {
  annotations?: Record<string, string | null>;
  hooks?: Partial<Record<OciHookPoint, readonly OciHook[]>>;
  mounts?: readonly OciMount[];
  process?: {
    ioPriority?: { class: string; priority: number };
    rlimits?: readonly { type: string; hard: number; soft: number }[];
    scheduler?: OciScheduler;
  };
  linux?: {
    devices?: readonly OciDevice[];
    intelRdt?: OciIntelRdt;
    memoryPolicy?: OciMemoryPolicy;
    namespaces?: readonly { type: string; path?: string }[];
    netDevices?: Record<string, { name?: string }>;
    resources?: OciResources;
    timeOffsets?: Record<"monotonic" | "boottime", { secs?: number; nanosecs?: number }>;
  };
}

/** Moments at which a runtime calls hooks. */
export type OciHookPoint =
  | "prestart"
  | "createRuntime"
  | "createContainer"
  | "startContainer"
  | "poststart"
  | "poststop";

/** One of `hooks` of the OCI runtime specification. */
export interface OciHook {
  path: string;
  args?: readonly string[];
  env?: readonly string[];
  /** In seconds. */
  timeout?: number;
}

/** One of `mounts` of the OCI runtime specification. */
export interface OciMount {
  destination: string;
  source?: string;
  type?: string;
  options?: readonly string[];
  uidMappings?: readonly OciIdMapping[];
  gidMappings?: readonly OciIdMapping[];
}

/** One of `linux.devices` of the OCI runtime specification. */
export interface OciDevice {
  path: string;
  type: string;
  major?: number;
  minor?: number;
  fileMode?: number;
  uid?: number;
  gid?: number;
}

/** `process.scheduler`; the names of policy and flags are those of sched_setattr(2). */
export interface OciScheduler {
  policy: string;
  nice?: number;
  priority?: number;
  flags?: readonly string[];
  runtime?: number;
  deadline?: number;
  period?: number;
}

/** `linux.intelRdt` of the OCI runtime specification. */
export interface OciIntelRdt {
  closID?: string;
  schemata?: readonly string[];
  enableMonitoring?: boolean;
}

/** `linux.memoryPolicy`; the names of mode and flags are those of set_mempolicy(2). */
export interface OciMemoryPolicy {
  mode: string;
  nodes: string;
  flags?: readonly string[];
}

/** Of `linux.resources` what Docker's API does not carry. */
export interface OciResources {
  hugepageLimits?: readonly { pageSize: string; limit: number }[];
  /** Files of cgroup v2 by name. */
  unified?: Record<string, string>;
}

/** A spec as it is in `config.json`. */
export type OciSpec = { [key: string]: unknown };

/** Lists that are merged entry by entry, and what names an entry of each. */
const namedLists: ReadonlyMap<string, string> = new Map([
  ["mounts", "destination"],
  ["process.rlimits", "type"],
  ["linux.namespaces", "type"],
  ["linux.devices", "path"],
  ["linux.resources.hugepageLimits", "pageSize"],
]);

const isHookList = /^hooks\.\w+$/;

/**
 * Applies a patch to a spec, which stays as it is. What it says of a user namespace is `applyUserNamespace`'s to do.
 *
 * @throws Error when the patch is about a mount that the spec does not have
 */
export function applySpecPatch(spec: OciSpec, patch: SpecPatch): OciSpec {
  const merged = merge(spec, patch.merge ?? {}, "") as OciSpec;
  const { mountOptions = {}, mountMappings = {} } = patch;
  const wanted = new Set([...Object.keys(mountOptions), ...Object.keys(mountMappings)]);
  if (wanted.size === 0) return merged;
  const mounts = ((merged.mounts ?? []) as OciMount[]).map((mount) => {
    const destination = cleanPath(mount.destination);
    if (!wanted.delete(destination)) return mount;
    const options = mountOptions[destination] ?? [];
    return {
      ...mount,
      ...(options.length > 0 ? { options: [...(mount.options ?? []), ...options] } : {}),
      ...mountMappings[destination],
    };
  });
  for (const missing of wanted) throw new Error(`the container has no mount at ${missing}`);
  return { ...merged, mounts };
}

/** Joins two patches, of which either may be missing: where both say something of the same thing, the second one holds. */
export function joinSpecPatches<Patch extends SpecPatch | undefined>(
  first: Patch,
  second: Patch,
): Patch;
export function joinSpecPatches(
  first: SpecPatch | undefined,
  second: SpecPatch | undefined,
): SpecPatch | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  const mountOptions = { ...first.mountOptions };
  for (const [destination, options] of Object.entries(second.mountOptions ?? {})) {
    mountOptions[destination] = [...(mountOptions[destination] ?? []), ...options];
  }
  const mountMappings = { ...first.mountMappings, ...second.mountMappings };
  const userNamespace = second.userNamespace ?? first.userNamespace;
  return {
    merge: joined(first.merge ?? {}, second.merge ?? {}),
    ...(Object.keys(mountOptions).length > 0 ? { mountOptions } : {}),
    ...(Object.keys(mountMappings).length > 0 ? { mountMappings } : {}),
    ...(userNamespace === undefined ? {} : { userNamespace }),
  };
}

function joined(first: OciSpecPart, second: OciSpecPart): OciSpecPart {
  return merge(first, second, "", { keepNull: true }) as OciSpecPart;
}

/** A path as Docker writes destinations: without doubled slashes and one at the end. */
export function cleanPath(path: string): string {
  return path.replace(/\/{2,}/g, "/").replace(/(?<=.)\/$/, "");
}

function merge(there: unknown, patch: unknown, path: string, how = { keepNull: false }): unknown {
  if (Array.isArray(patch)) return mergeList(Array.isArray(there) ? there : [], patch, path);
  if (!isObject(patch)) return patch;
  // Not by assignment: a key may be `__proto__`.
  const entries = new Map(isObject(there) ? Object.entries(there) : []);
  for (const [key, value] of Object.entries(patch)) {
    const below = path === "" ? key : `${path}.${key}`;
    if (value === null && !how.keepNull) entries.delete(key);
    else entries.set(key, merge(entries.get(key), value, below, how));
  }
  return Object.fromEntries(entries);
}

function mergeList(there: readonly unknown[], patch: readonly unknown[], path: string): unknown[] {
  if (isHookList.test(path)) return [...there, ...patch];
  const name = namedLists.get(path);
  if (name === undefined) return [...patch];
  const nameOf = (entry: unknown): unknown => (isObject(entry) ? entry[name] : undefined);
  const list = [...there];
  for (const entry of patch) {
    const index = list.findIndex((other) => nameOf(other) === nameOf(entry));
    if (index < 0) list.push(entry);
    else list[index] = entry;
  }
  return list;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The patch that a container was created with; undefined for one without.
 *
 * @throws SyntaxError when the label is not what we wrote
 */
export function readSpecPatch(inspect: Pick<InspectedContainer, "Config">): SpecPatch | undefined {
  const text = inspect.Config.Labels?.[SPEC_PATCH_LABEL];
  if (text === undefined) return undefined;
  const patch: unknown = JSON.parse(text);
  if (!isObject(patch)) throw new SyntaxError(`label ${SPEC_PATCH_LABEL} is no object`);
  return patch;
}
