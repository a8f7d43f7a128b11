import { connect, type NetConnectOpts, Socket, type SocketConstructorOpts } from "node:net";
import type { Duplex } from "node:stream";
import type { Logger } from "pino";
import { ShimError } from "../shim-error.js";
import type { SandboxRecord } from "../state/records.js";
import { type NetnsSockets, NetnsUnusableError } from "./netns-sockets.js";
import { dialThroughSocat } from "./socat-dialer.js";

/** Connects to a TCP port inside a sandbox, on its loopback interface. */
export type PodDialer = (
  sandbox: SandboxRecord,
  port: number,
  signal: AbortSignal,
) => Promise<Duplex>;

const families = [
  { family: 4, name: "IPv4", host: "127.0.0.1" },
  { family: 6, name: "IPv6", host: "::1" },
] as const;

type Family = (typeof families)[number];

/**
 * Makes the dialer of port-forward: first IPv4, then IPv6, as other runtimes do.
 *
 * A pod with the host's network is dialled directly, any other one through a socket made in its
 * namespace, or where that is impossible through nsenter(1) and socat(1).
 *
 * @throws ShimError `unavailable` with both reasons when neither family accepts.
 */
export function createPodDialer(sockets: NetnsSockets, log: Logger): PodDialer {
  let unusable = false;

  async function dialIn(sandbox: SandboxRecord, port: number, way: Family, signal: AbortSignal) {
    if (sandbox.inspect.HostConfig.NetworkMode === "host") {
      return await connected(connect({ host: way.host, port, allowHalfOpen: true }), signal);
    }
    const { Pid: pid } = sandbox.inspect.State;
    if (!unusable) {
      try {
        const fd = await sockets.open({ pid, containerId: sandbox.id }, way.family);
        return await connectFd(fd, { host: way.host, port }, signal);
      } catch (err) {
        if (!(err instanceof NetnsUnusableError)) throw err;
        unusable = true;
        log.warn({ err }, "cannot enter network namespaces, port-forward goes through socat");
      }
    }
    return await dialThroughSocat({ pid, family: way.family, host: way.host, port, signal });
  }

  return async (sandbox, port, signal) => {
    const failures: string[] = [];
    let cause: unknown;
    for (const way of families) {
      try {
        return await dialIn(sandbox, port, way, signal);
      } catch (err) {
        signal.throwIfAborted();
        cause ??= err;
        failures.push(`${way.name}: ${err instanceof Error ? err.message : String(err)}`);
      }
    }
    throw new ShimError(
      "unavailable",
      `failed to connect to localhost:${port} inside sandbox ${sandbox.id}: ${failures.join(", ")}`,
      { cause },
    );
  };
}

/** Connects a socket that was made elsewhere. */
async function connectFd(
  fd: number,
  target: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<Socket> {
  // Without `manualStart`, which Node's types don't have, it would be read before it is connected.
  const options: SocketConstructorOpts & { manualStart: boolean } = {
    fd,
    allowHalfOpen: true,
    manualStart: true,
  };
  const to: NetConnectOpts = target;
  return await connected(new Socket(options).connect(to), signal);
}

async function connected(socket: Socket, signal: AbortSignal): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const onAbort = (): void => void socket.destroy(signal.reason);
  const settle = (): void => {
    signal.removeEventListener("abort", onAbort);
    socket.off("error", onError);
  };
  const onError = (err: NodeJS.ErrnoException): void => {
    settle();
    reject(err.code === "ECONNREFUSED" ? new Error("connection refused", { cause: err }) : err);
  };
  socket.once("error", onError);
  socket.once("connect", () => {
    settle();
    socket.setNoDelay(true);
    resolve(socket);
  });
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return await promise;
}
