import { readlinkSync } from "node:fs";
import type { Socket } from "node:net";
import { SpecHookError } from "./spec-hook-error.js";

/** From the kernel's headers, the same on all architectures that Docker runs on (MIPS excepted). */
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** `struct ucred`: pid, uid and gid, 32 bits each. */
const ucredBytes = 12;

/** Reads the credentials that the kernel noted when a unix socket was connected. */
export type ReadPeer = (socket: Socket) => { readonly pid: number; readonly uid: number };

/** Loads the C library's getsockopt, for Node has no call of its own. */
export async function loadReadPeer(): Promise<ReadPeer> {
  const { default: koffi } = await import("koffi");
  const getsockopt = koffi
    .load(null)
    .func(
      "int getsockopt(int fd, int level, int name, _Out_ uint8_t *value, _Inout_ uint32_t *size)",
    );
  return (socket) => {
    const value = Buffer.alloc(ucredBytes);
    // Node keeps the descriptor to itself; there is no other way to ask about an accepted socket.
    const { fd } = (socket as unknown as { _handle?: { fd: number } })._handle ?? { fd: -1 };
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, value, [ucredBytes]) !== 0) {
      throw new SpecHookError("not_the_hook", "the kernel does not say who asks");
    }
    return { pid: value.readInt32LE(0), uid: value.readUInt32LE(4) };
  };
}

/**
 * Requires that a process is root's, in our own user and process namespaces: no container's, but for one that has both
 * of the node, which is the node's root anyhow.
 *
 * @throws SpecHookError `not_the_hook`
 */
export function requireNodesRoot({ pid, uid }: ReturnType<ReadPeer>): void {
  if (uid !== 0) throw new SpecHookError("not_the_hook", `user ${uid} is not root`);
  for (const namespace of ["user", "pid"]) {
    let of: string;
    try {
      of = readlinkSync(`/proc/${pid}/ns/${namespace}`);
    } catch (cause) {
      throw new SpecHookError("not_the_hook", `process ${pid} is not to be seen`, { cause });
    }
    if (of === readlinkSync(`/proc/self/ns/${namespace}`)) continue;
    throw new SpecHookError("not_the_hook", `process ${pid} has another ${namespace} namespace`);
  }
}
