import { setTimeout } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { Logger } from "pino";
import { ShimError } from "../shim-error.js";
import { createLogLagMemory, type LogLag, readLogLag } from "./log-lag.js";
import type {
  LogCopyJob,
  LogReport,
  LogRequest,
  LogTask,
  LogWorkerData,
} from "./log-worker-protocol.js";

/** The thread that copies logs, seen from the daemon. */
export interface LogWorker {
  /** Settles when the worker has done it. @throws ShimError `internal` or `resource_exhausted`. */
  perform(task: LogTask): Promise<void>;
  /** How far the copies are behind. */
  lag(): LogLag;
  close(): Promise<void>;
}

/** From `src` as from `dist`, the thread's code is what was built. */
const workerUrl = new URL("../../dist/logs/log-worker.js", import.meta.url);

/** The thread holds little, so V8 may collect early. */
const limits = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 256 };

const restartDelayMs = 500;
const closeMs = 2_000;

interface Waiting {
  readonly task: LogTask;
  resolve(): void;
  reject(err: Error): void;
}

/**
 * Makes the worker; its thread begins with the first task. If the thread ever dies, another one
 * takes up all its containers from their saved positions.
 *
 * @param url The thread's code.
 */
export function createLogWorker(
  log: Pick<Logger, "info" | "warn" | "error">,
  url: URL = workerUrl,
): LogWorker {
  const following = new Map<string, LogCopyJob>();
  const waiting = new Map<number, Waiting>();
  let requests = 0;
  let worker: Worker | undefined;
  let lagMemory = createLogLagMemory();
  let restarting = false;
  let closed = false;

  function start(): Worker {
    // A thread that died leaves its figures behind; a new one begins with new ones.
    lagMemory = createLogLagMemory();
    const workerData: LogWorkerData = { lag: lagMemory };
    const started = new Worker(url, {
      name: "dockershim-logs",
      resourceLimits: limits,
      workerData,
    });
    started.on("message", onReport);
    started.on("error", (err) => log.error({ err }, "the log thread failed"));
    started.on("exit", () => {
      if (!closed) void restart();
    });
    worker = started;
    return started;
  }

  async function restart(): Promise<void> {
    worker = undefined;
    restarting = true;
    await setTimeout(restartDelayMs);
    restarting = false;
    if (closed) return;
    const started = start();
    for (const job of following.values()) {
      send(started, ++requests, { kind: "follow", job });
    }
    for (const [request, { task }] of waiting) send(started, request, task);
  }

  function send(to: Worker | undefined, request: number, task: LogTask): void {
    to?.postMessage({ request, task } satisfies LogRequest);
  }

  function onReport(report: LogReport): void {
    if ("level" in report) {
      log[report.level]({ container: report.container }, report.message);
      return;
    }
    const caller = waiting.get(report.request);
    if (caller === undefined) return;
    waiting.delete(report.request);
    if (report.error === undefined) caller.resolve();
    else caller.reject(toShimError(report.error));
  }

  function remember(task: LogTask): void {
    if (task.kind === "follow") following.set(task.job.id, task.job);
    else if (task.kind === "settle") following.delete(task.job.id);
    else if (task.kind === "remove") following.delete(task.id);
  }

  return {
    perform(task) {
      if (closed) return Promise.resolve();
      remember(task);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const request = ++requests;
      waiting.set(request, { task, resolve, reject });
      send(worker ?? (restarting ? undefined : start()), request, task);
      return promise;
    },
    lag: () => readLogLag(lagMemory),
    async close() {
      if (closed) return;
      const running = worker;
      if (running !== undefined) {
        const saved = this.perform({ kind: "close" }).catch((err) => {
          log.warn({ err }, "could not save log positions");
        });
        const timer = new AbortController();
        await Promise.race([
          saved,
          setTimeout(closeMs, undefined, { signal: timer.signal }).catch(() => {}),
        ]);
        timer.abort();
      }
      closed = true;
      for (const { resolve } of waiting.values()) resolve();
      waiting.clear();
      await running?.terminate();
    },
  };
}

function toShimError({ message, code }: { message: string; code: string }): ShimError {
  const full = code === "ENOSPC" || code === "EDQUOT";
  return new ShimError(full ? "resource_exhausted" : "internal", `container log: ${message}`);
}
