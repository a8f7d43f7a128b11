import { closeSync } from "node:fs";
import { Worker } from "node:worker_threads";

/** Whose network namespace is meant. */
export interface NamespaceOwner {
  /** A process in the namespace, on the host. */
  readonly pid: number;
  /** The container of that process, which its cgroup must name. */
  readonly containerId: string;
}

/** Opens sockets in other network namespaces; see {@link createNetnsSockets}. */
export interface NetnsSockets {
  /**
   * A TCP socket inside the namespace, not connected yet. The caller owns the file descriptor.
   *
   * @throws NetnsUnusableError when this machine cannot do it at all, Error for this namespace.
   */
  open(owner: NamespaceOwner, family: 4 | 6): Promise<number>;
  close(): Promise<void>;
}

/** Sockets cannot be opened this way here: the native library is missing or has no permission. */
export class NetnsUnusableError extends Error {
  override readonly name = "NetnsUnusableError";
}

type Reply = "ready" | { id: number; fd: number } | { id: number; error: string };

// Under a test runner this file is the source, beside which there is no compiled worker.
const workerUrl = new URL("../../dist/streaming/netns-worker.js", import.meta.url);

/**
 * Opens sockets in network namespaces without a helper program.
 *
 * Entering a namespace is a matter of one thread, and Node's own threads must not leave theirs.
 * So a worker thread enters, makes the socket, leaves, and hands the number of the file
 * descriptor over. The thread is started by the first use.
 */
export function createNetnsSockets(url: URL = workerUrl): NetnsSockets {
  const waiting = new Map<number, PromiseWithResolvers<number>>();
  let worker: Worker | undefined;
  let started: Promise<Worker> | undefined;
  let lastId = 0;

  function start(): Promise<Worker> {
    const { promise, resolve, reject } = Promise.withResolvers<Worker>();
    const created = new Worker(url, { name: "dockershim-netns" });
    worker = created;
    const fail = (reason: Error): void => {
      if (worker === created) worker = undefined;
      started = undefined;
      reject(new NetnsUnusableError(reason.message, { cause: reason }));
      for (const { reject: rejectOne } of waiting.values()) rejectOne(reason);
      waiting.clear();
    };
    created.on("message", (reply: Reply) => {
      if (reply === "ready") resolve(created);
      else answer(reply);
      if (waiting.size === 0) created.unref();
    });
    created.once("error", (reason) =>
      fail(reason instanceof Error ? reason : new Error(String(reason))),
    );
    created.once("exit", () => fail(new Error("the network namespace thread ended")));
    return promise;
  }

  function answer(reply: Exclude<Reply, "ready">): void {
    const asked = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ("error" in reply) {
      const failure = /^setns: EPERM/.test(reply.error)
        ? new NetnsUnusableError(reply.error)
        : new Error(reply.error);
      asked?.reject(failure);
    } else if (asked === undefined) {
      closeSync(reply.fd);
    } else {
      asked.resolve(reply.fd);
    }
  }

  return {
    async open({ pid, containerId }, family) {
      started ??= start();
      const thread = await started;
      const id = ++lastId;
      const asked = Promise.withResolvers<number>();
      waiting.set(id, asked);
      thread.ref();
      thread.postMessage({ id, pid, containerId, ipv6: family === 6 });
      return await asked.promise;
    },
    async close() {
      await worker?.terminate();
    },
  };
}
