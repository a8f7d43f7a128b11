import { closeSync, writeSync } from "node:fs";
import koffi from "koffi";

/** Tells the service manager how it goes, as sd_notify(3) does. */
export interface Notifier {
  /** Assignments such as `READY=1`. What cannot be sent is lost: the manager is gone or busy. */
  send(state: Readonly<Record<string, string | number>>): void;
}

// From the kernel's headers, the same on all architectures that Docker runs on (MIPS excepted).
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;

/**
 * Connects to the service manager. Node has no datagram sockets of unix(7), so libc opens one; what
 * is sent through it is written as to a file.
 *
 * @param address `$NOTIFY_SOCKET`: a path, or with `@` in front a name in the abstract namespace.
 * @throws Error when there is no such socket.
 */
export function openNotifier(address: string): Notifier {
  const libc = koffi.load(null);
  const socket = libc.func("int socket(int domain, int type, int protocol)");
  const connect = libc.func("int connect(int fd, const uint8_t *address, uint32_t length)");

  const fd: number = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const name = Buffer.from(address.replace(/^@/, "\0"));
  const family = Buffer.alloc(2);
  new Uint16Array(family.buffer, family.byteOffset, 1)[0] = AF_UNIX;
  const socketAddress = Buffer.concat([family, name]);
  if (fd < 0 || connect(fd, socketAddress, socketAddress.length) !== 0) {
    const errno = koffi.errno();
    if (fd >= 0) closeSync(fd);
    throw new Error(`cannot tell systemd anything at ${address}: errno ${errno}`);
  }
  return {
    send(state) {
      const lines = Object.entries(state).map(([key, value]) => `${key}=${value}`);
      try {
        writeSync(fd, lines.join("\n"));
      } catch {
        // Its next message counts.
      }
    },
  };
}
