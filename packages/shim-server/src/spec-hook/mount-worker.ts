import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import koffi from "koffi";

/** What the main thread asks for; answered by nothing, or by what failed. */
export type MountJob =
  | { readonly kind: "bind"; readonly root: string; readonly target: string }
  | {
      readonly kind: "remap";
      /** The overlay, whose place another one takes. */
      readonly root: string;
      /** Parts of it that are mounted elsewhere, whose places the other's take too. */
      readonly parts: readonly MountedPart[];
      /** Where the other is mounted besides, if anywhere. */
      readonly target?: string;
      /** A folder that has all its layers. */
      readonly layers: string;
      /** How it is mounted; lower layers are below `layers`. */
      readonly options: string;
      /** A process in the user namespace, and the container that it has to be of. */
      readonly owner: { readonly pid: number; readonly containerId: string };
    };

/** What of an overlay is mounted at a place. */
export interface MountedPart {
  readonly place: string;
  /** In the overlay, with a slash before it. */
  readonly path: string;
}

// From the kernel's headers, the same on all architectures that Docker runs on (MIPS excepted).
const SYS_open_tree = 428;
const SYS_move_mount = 429;
const SYS_mount_setattr = 442;
const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
const OPEN_TREE_CLONE = 1;
const OPEN_TREE_CLOEXEC = 0o2000000;
const MOVE_MOUNT_F_EMPTY_PATH = 4;
const MOUNT_ATTR_IDMAP = 0x00100000;
const CLONE_NEWNS = 0x00020000;
const MS_REC = 0x4000;
const MS_SLAVE = 0x80000;

const libc = koffi.load(null);
const syscall = libc.func("long syscall(long number, ...)");
const unshare = libc.func("int unshare(int flags)");
const setns = libc.func("int setns(int fd, int nstype)");
/** Node's own would warn of descriptors that it has not opened. */
const close = libc.func("int close(int fd)");
const chdir = libc.func("int chdir(const char *path)");
const umount = libc.func("int umount2(const char *target, int flags)");
const mount = libc.func(
  "int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)",
);

/** The namespace that this thread was born in, where the engine's mounts are. */
const home = openSync("/proc/thread-self/ns/mnt", "r");

/** A folder that every node has, and that the thread covers in a namespace of its own. */
const scratch = "/run";

function check(result: number, what: string): number {
  if (result >= 0) return result;
  const errno = koffi.errno();
  const name = Object.entries(koffi.os.errno).find(([, value]) => value === errno)?.[0];
  throw new Error(`${what}: ${name ?? `errno ${errno}`}`);
}

/** A mount that is nowhere yet, as a copy of what is at a path. It goes when its descriptor is closed. */
function copyMount(path: string): number {
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
  const fd = syscall(SYS_open_tree, "int", AT_FDCWD, "str", path, "uint", flags);
  return check(Number(fd), `open_tree ${path}`);
}

function attach(fd: number, path: string): void {
  const args = [
    "int",
    fd,
    "str",
    "",
    "int",
    AT_FDCWD,
    "str",
    path,
    "uint",
    MOVE_MOUNT_F_EMPTY_PATH,
  ];
  check(Number(syscall(SYS_move_mount, ...args)), `move_mount ${path}`);
}

function mapIds(fd: number, userNamespace: number): void {
  // struct mount_attr: attr_set, attr_clr, propagation and userns_fd, 64 bits each.
  const attributes = new BigUint64Array([BigInt(MOUNT_ATTR_IDMAP), 0n, 0n, BigInt(userNamespace)]);
  const size = attributes.byteLength;
  const args = ["int", fd, "str", "", "uint", AT_EMPTY_PATH, "void *", attributes, "size_t", size];
  check(Number(syscall(SYS_mount_setattr, ...args)), "mount_setattr");
}

function bind({ root, target }: Extract<MountJob, { kind: "bind" }>): void {
  const fd = copyMount(root);
  try {
    attach(fd, target);
  } finally {
    close(fd);
  }
}

/**
 * Mounts the layers with mapped ids and an overlay over them in a namespace that nobody else sees, and puts only the
 * overlay where all can see it: it keeps its layers by itself. If the process dies over it, so does that namespace.
 */
function remap(job: Extract<MountJob, { kind: "remap" }>): void {
  const { root, parts, target, layers, options, owner } = job;
  // Where containerd has given the start up in the meantime, its bundle is gone: then nothing is attached at all.
  const wholes = target === undefined ? [root] : [target, root];
  const places = [...parts, ...wholes.map((place) => ({ place, path: "" }))];
  const userNamespace = openSync(`/proc/${owner.pid}/ns/user`, "r");
  const copies: number[] = [];
  try {
    // Between the engine's word and the open, the process may have ended and its id been given to another one.
    if (!readFileSync(`/proc/${owner.pid}/cgroup`, "utf8").includes(owner.containerId)) {
      throw new Error(`process ${owner.pid} is not of sandbox ${owner.containerId}`);
    }
    // Two overlays must not write to one layer. Nobody uses this one yet.
    for (const place of [...parts.map((part) => part.place), root]) {
      check(umount(place, 0), `umount ${place}`);
    }
    check(unshare(CLONE_NEWNS), "unshare");
    try {
      check(mount("none", "/", null, MS_REC | MS_SLAVE, null), "mount /");
      const mapped = copyMount(layers);
      copies.push(mapped);
      mapIds(mapped, userNamespace);
      check(mount("tmpfs", scratch, "tmpfs", 0, null), `mount ${scratch}`);
      mkdirSync(`${scratch}/layers`);
      mkdirSync(`${scratch}/merged`);
      attach(mapped, `${scratch}/layers`);
      check(chdir(`${scratch}/layers`), "chdir");
      check(mount("overlay", `${scratch}/merged`, "overlay", 0, options), "mount overlay");
      for (const { path } of places) copies.push(copyMount(`${scratch}/merged${path}`));
    } finally {
      // A thread that stayed would mount where nobody sees it.
      if (setns(home, CLONE_NEWNS) !== 0) process.exit(1);
    }
    const [, ...overlays] = copies;
    for (const [index, overlay] of overlays.entries()) {
      attach(overlay, places[index]?.place ?? root);
    }
  } finally {
    for (const fd of copies) close(fd);
    closeSync(userNamespace);
  }
}

parentPort?.on("message", (job: MountJob) => {
  let error: string | undefined;
  try {
    if (job.kind === "bind") bind(job);
    else remap(job);
  } catch (err) {
    error = err instanceof Error ? err.message : String(err);
  }
  parentPort?.postMessage(error);
});
