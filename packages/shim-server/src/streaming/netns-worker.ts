import { closeSync, openSync, readFileSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import koffi from "koffi";

/** What the main thread asks for; the fields are explained in netns-socket.ts. */
interface Request {
  readonly id: number;
  readonly pid: number;
  readonly containerId: string;
  readonly ipv6: boolean;
}

// From the kernel's headers, the same on all architectures that Docker runs on (MIPS excepted).
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const CLONE_NEWNET = 0x40000000;

const libc = koffi.load(null);
const setns = libc.func("int setns(int fd, int nstype)");
const socket = libc.func("int socket(int domain, int type, int protocol)");

/** The namespace that this thread was born in, to go back to. */
const home = openSync("/proc/thread-self/ns/net", "r");

function systemError(call: string): Error {
  const errno = koffi.errno();
  const name = Object.entries(koffi.os.errno).find(([, value]) => value === errno)?.[0];
  return new Error(`${call}: ${name ?? `errno ${errno}`}`);
}

/** A socket belongs for ever to the namespace of the thread that made it. */
function openSocket({ pid, containerId, ipv6 }: Request): number {
  const namespace = openSync(`/proc/${pid}/ns/net`, "r");
  try {
    // Between the engine's word and the open, the process may have ended and its id been given
    // to another one. It is the sandbox's now, so it was then.
    if (!readFileSync(`/proc/${pid}/cgroup`, "utf8").includes(containerId)) {
      throw new Error(`process ${pid} is not of sandbox ${containerId}`);
    }
    if (setns(namespace, CLONE_NEWNET) !== 0) throw systemError("setns");
    try {
      const fd: number = socket(
        ipv6 ? AF_INET6 : AF_INET,
        SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
        0,
      );
      if (fd < 0) throw systemError("socket");
      return fd;
    } finally {
      // A thread that stayed would keep the namespace of a removed pod alive.
      if (setns(home, CLONE_NEWNET) !== 0) process.exit(1);
    }
  } finally {
    closeSync(namespace);
  }
}

parentPort?.on("message", (request: Request) => {
  let reply: { id: number; fd: number } | { id: number; error: string };
  try {
    reply = { id: request.id, fd: openSocket(request) };
  } catch (err) {
    reply = { id: request.id, error: err instanceof Error ? err.message : String(err) };
  }
  parentPort?.postMessage(reply);
});
parentPort?.postMessage("ready");
