import { type Stats, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { CniError } from "./errors.js";

/** What a network namespace path leads to. */
export type NetnsState =
  /** A network namespace other than this process's own. */
  | "usable"
  /** Nothing: the namespace went with its last process. */
  | "gone"
  /**
   * The namespace of this process. With `/proc/<pid>/ns/net` that happens when
   * the pid belongs to another process by now; plugins told to take down `eth0`
   * there would cut off the node.
   */
  | "own";

/**
 * Looks at a namespace path. Synchronous, like all that only looks at a file's
 * entry here: it takes microseconds, a detour through a busy thread pool more.
 */
export function inspectNetns(path: string): NetnsState {
  const target = path === "" ? undefined : statEntry(path);
  const own = statEntry("/proc/self/ns/net");
  if (target === undefined) return "gone";
  return own !== undefined && target.dev === own.dev && target.ino === own.ino ? "own" : "usable";
}

function statEntry(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    // Such as a process that ends while it is looked at.
    return undefined;
  }
}

/** Whether the path goes through a process, so that it can come to mean another one. */
export function isProcessPath(path: string): boolean {
  return /^\/proc\/(?:\d+|self)\//.test(path);
}

/** A network namespace that is kept from going away. */
export interface HeldNetns {
  /** A path to it that stays good, for plugins too, until `release`. */
  readonly path: string;
  release(): Promise<void>;
}

/**
 * Holds a network namespace open, so that DEL can still take down what is in it
 * after the sandbox's process has ended (some plugins find the addresses whose
 * masquerading they remove only there).
 *
 * @throws CniError `invalid_argument` when the path leads to no namespace
 */
export async function holdNetns(path: string): Promise<HeldNetns> {
  const handle = await open(path, "r").catch((error: unknown) => {
    throw CniError.from(error, "invalid_argument", `cannot open the network namespace ${path}`);
  });
  return {
    path: `/proc/${process.pid}/fd/${handle.fd}`,
    release: () => handle.close(),
  };
}
