import { readFileSync } from "node:fs";
import { chmod, chown, lchown, lstat, readdir } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import type { UserNamespacePatch } from "@dockershim/pod-sandbox";
import { unescapeMountPath } from "../state/mount-path.js";
import { createMountThread, type MountThread } from "./mount-thread.js";
import type { MountedPart } from "./mount-worker.js";

/** A container's root file system, and whoever's user namespace is to own what is in it. */
export interface RootMountOrder {
  /** Where the engine has mounted it. */
  readonly root: string;
  /** The container's bundle, below which root of the namespace can reach it. */
  readonly bundle: string;
  readonly userNamespace: UserNamespacePatch;
  /** A process in the namespace, and the container that it has to be of; without it there is none yet. */
  readonly owner?: { readonly pid: number; readonly containerId: string } | undefined;
  /** Aborted when the container's start has been given up. */
  readonly signal: AbortSignal;
}

/** An image that is a volume, as the engine has mounted it: an overlay of its own. */
export interface ImageVolume {
  readonly root: string;
  /** Parts of it that are mounted elsewhere, for sub-paths. */
  readonly parts: readonly MountedPart[];
}

/** An image that is a volume, whose files a user namespace is to own. */
export interface VolumeMountOrder
  extends ImageVolume,
    Pick<RootMountOrder, "userNamespace" | "signal"> {
  readonly owner: NonNullable<RootMountOrder["owner"]>;
}

/** Puts root file systems where a user namespace can have them. */
export interface RootMounts {
  /**
   * Mounts a container's root file system below its bundle, where the engine's folders are not in the way, with owners
   * as the namespace sees them.
   *
   * Both mounts have somebody who takes them away, also after a crash: the bundle's containerd, when the container
   * ends or could not be made, and the one in the engine's place the engine.
   *
   * @returns Where it is.
   */
  mount(order: RootMountOrder): Promise<string>;
  /** Mounts an image volume anew where the engine has it, and takes it away, with owners as the namespace sees them. */
  mountVolume(order: VolumeMountOrder): Promise<void>;
  close(): Promise<void>;
}

/** The kernel takes one page of options. */
const maxOptions = 4095;

export function createRootMounts(thread: MountThread = createMountThread()): RootMounts {
  async function remap(order: VolumeMountOrder, target?: string): Promise<void> {
    const { root, parts, userNamespace, owner, signal } = order;
    const layers = overlayLayers(root);
    await shiftOwners(layers.upper, userNamespace);
    signal.throwIfAborted();
    const places = { root, parts, ...(target === undefined ? {} : { target }) };
    await thread.call({ kind: "remap", ...places, owner, ...overlayMount(layers) });
  }

  return {
    async mount({ root, bundle, userNamespace, owner, signal }) {
      const target = join(bundle, "rootfs");
      const [{ hostID: gid } = { hostID: 0 }] = userNamespace.gids;
      // Its files are not for all users of the node; as containerd has it for such containers.
      await chown(bundle, 0, gid);
      await chmod(bundle, 0o710);
      if (owner === undefined) {
        // The sandbox's own: there is no namespace yet to map by, and nothing in it to be written to.
        await thread.call({ kind: "bind", root, target });
        return target;
      }
      await remap({ root, parts: [], userNamespace, owner, signal }, target);
      return target;
    },
    mountVolume: (order) => remap(order),
    close: () => thread.close(),
  };
}

/**
 * The volumes behind sources of mounts. Of a sub-path the engine mounts that part of the overlay once more, in
 * another place; what is no overlay is left out.
 *
 * @param table Text of `/proc/self/mountinfo`.
 */
export function volumesBehind(
  sources: readonly string[],
  table: string = readFileSync("/proc/self/mountinfo", "utf8"),
): ImageVolume[] {
  const overlays = table
    .split("\n")
    .filter((line) => line.includes(" - overlay "))
    .map((line) => {
      const [, , device, path = "", place = ""] = line.split(" ");
      return { device, path, place };
    });
  const parts = new Map<string, MountedPart[]>();
  for (const source of sources) {
    const mounted = overlays.findLast(({ place }) => place === source);
    const whole = overlays.findLast(
      ({ device, path }) => device === mounted?.device && path === "/",
    );
    if (mounted === undefined || whole === undefined) continue;
    const known = parts.get(whole.place) ?? [];
    parts.set(whole.place, known);
    if (mounted.path !== "/") known.push({ place: source, path: unescapeMountPath(mounted.path) });
  }
  return Array.from(parts, ([root, of]) => ({ root, parts: of }));
}

/** An overlay as it is mounted; all paths are absolute. */
export interface OverlayLayers {
  /** From the uppermost on. */
  readonly lower: readonly string[];
  readonly upper: string;
  readonly work: string;
  /** All other options. */
  readonly rest: readonly string[];
}

/**
 * What an overlay is made of.
 *
 * @param table Text of `/proc/self/mountinfo`.
 * @throws Error when there is none at that place, or one that cannot be mounted again by its options
 */
export function overlayLayers(
  root: string,
  table: string = readFileSync("/proc/self/mountinfo", "utf8"),
): OverlayLayers {
  const line = table.split("\n").findLast((mounted) => mounted.split(" ")[4] === root);
  const [type, , options = ""] = line?.split(" - ")[1]?.split(" ") ?? [];
  if (type !== "overlay") throw new Error(`${root} is no overlay: it is ${type ?? "not mounted"}`);
  // Such a path would have to be escaped anew, in another way.
  if (options.includes("\\")) throw new Error(`${root} has layers whose paths have odd characters`);
  const given = new Map<string, string>();
  const rest: string[] = [];
  for (const option of options.split(",")) {
    const [key = "", value] = splitOnce(option);
    if (["lowerdir", "upperdir", "workdir"].includes(key)) given.set(key, value ?? "");
    else if (key !== "rw" && key !== "seclabel") rest.push(option);
  }
  // The engine gives paths below the folder of all layers where they would be too long otherwise.
  const home = dirname(dirname(root));
  const paths = (key: string, text = given.get(key)): readonly [string, ...string[]] => {
    const [first, ...others] = text?.split(":") ?? [];
    if (first === undefined) throw new Error(`${root} has no ${key}`);
    return [resolve(home, first), ...others.map((other) => resolve(home, other))];
  };
  const [upper] = paths("upperdir");
  const [work] = paths("workdir");
  return { lower: paths("lowerdir"), upper, work, rest };
}

function splitOnce(option: string): [string, string?] {
  const at = option.indexOf("=");
  return at < 0 ? [option] : [option.slice(0, at), option.slice(at + 1)];
}

/**
 * How to mount it again: the lower layers below a folder that is mounted with mapped ids, of which the mounting
 * process has made its working folder.
 *
 * @throws Error when it has more layers than the kernel takes
 */
export function overlayMount({ lower, upper, work, rest }: OverlayLayers): {
  readonly layers: string;
  readonly options: string;
} {
  const layers = commonFolder([...lower, upper, work]);
  const options = [
    `lowerdir=${lower.map((path) => relative(layers, path)).join(":")}`,
    `upperdir=${upper}`,
    `workdir=${work}`,
    ...rest,
  ].join(",");
  if (Buffer.byteLength(options) > maxOptions) {
    throw new Error(`the image has too many layers (${lower.length}) to be mounted again`);
  }
  return { layers, options };
}

function commonFolder(paths: readonly string[]): string {
  const [first = [], ...others] = paths.map((path) => path.split("/"));
  const differs = first.findIndex((part, index) => others.some((parts) => parts[index] !== part));
  return first.slice(0, differs < 0 ? -1 : differs).join("/") || "/";
}

/**
 * Gives what the engine has put into a container's own layer to the namespace's users. The folder itself comes last, so
 * that its owner tells whether all is done: a container that is started once more has files of its own by then.
 */
async function shiftOwners(upper: string, userNamespace: UserNamespacePatch): Promise<void> {
  const { uids, gids } = userNamespace;
  const uidOf = shift(uids);
  const gidOf = shift(gids);
  if ((await lstat(upper)).uid === uidOf(0)) return;
  const visit = async (path: string): Promise<void> => {
    const stat = await lstat(path);
    const { uid, gid, mode } = stat;
    if (stat.isDirectory()) for (const name of await readdir(path)) await visit(join(path, name));
    await lchown(path, uidOf(uid), gidOf(gid));
    // A change of the owner takes such bits away.
    if ((mode & 0o6000) !== 0 && !stat.isSymbolicLink()) await chmod(path, mode & 0o7777);
  };
  await visit(upper);
}

function shift(mappings: UserNamespacePatch["uids"]): (id: number) => number {
  return (id) => {
    const found = mappings.find(
      ({ containerID, size }) => id >= containerID && id < containerID + size,
    );
    return found === undefined ? id : id - found.containerID + found.hostID;
  };
}
