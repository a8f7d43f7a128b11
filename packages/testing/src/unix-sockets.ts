import { closeSync, readSync } from "node:fs";
import koffi from "koffi";

const libc = koffi.load(null);
const socket = libc.func("int socket(int domain, int type, int protocol)");
const listen = libc.func("int listen(int fd, int backlog)");
const bind = libc.func("int bind(int fd, const uint8_t *address, uint32_t length)");

// From the kernel's headers.
const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;

function boundSocket(type: number, path: string): number {
  const fd: number = socket(AF_UNIX, type, 0);
  const family = Buffer.alloc(2);
  new Uint16Array(family.buffer, family.byteOffset, 1)[0] = AF_UNIX;
  const address = Buffer.concat([family, Buffer.from(path)]);
  if (bind(fd, address, address.length) !== 0) throw new Error(`bind: errno ${koffi.errno()}`);
  return fd;
}

/** A listening socket on which this process itself takes no connection. @returns Its descriptor. */
export function listenForOthers(path: string): number {
  const fd = boundSocket(SOCK_STREAM, path);
  if (listen(fd, 16) !== 0) throw new Error(`listen: errno ${koffi.errno()}`);
  return fd;
}

/** Takes datagrams on a unix socket, as systemd does; `received` gives those that came since the last look. */
export function bindDatagrams(path: string): { received(): string[]; close(): void } {
  const fd = boundSocket(SOCK_DGRAM | SOCK_NONBLOCK, path);
  const buffer = Buffer.alloc(4096);
  return {
    received() {
      const texts: string[] = [];
      for (;;) {
        try {
          texts.push(buffer.toString("utf8", 0, readSync(fd, buffer)));
        } catch (err) {
          if ((err as NodeJS.ErrnoException).code === "EAGAIN") return texts;
          throw err;
        }
      }
    },
    close: () => closeSync(fd),
  };
}
