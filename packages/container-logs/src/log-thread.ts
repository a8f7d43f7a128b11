import { setTimeout } from "node:timers/promises";
import { Worker, type WorkerOptions } from "node:worker_threads";
import { ContainerLogError } from "./errors.js";
import { createLogLagMemory, type LogLag, readLogLag } from "./log-lag.js";
import type {
  LogCopyJob,
  LogReport,
  LogRequest,
  LogTask,
  LogWorkerData,
} from "./log-thread-protocol.js";

/** Where a copier tells what its caller gets no error for; a pino logger fits. */
export interface LogCopierLog {
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
}

/** The thread that copies logs, seen from outside. */
export interface LogThread {
  /** Settles when the thread has done it. @throws ContainerLogError. */
  perform(task: LogTask): Promise<void>;
  /** How far the copies are behind. */
  lag(): LogLag;
  close(): Promise<void>;
}

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
 * Makes the thread, which begins with the first task. If it ever dies, another one takes up all its
 * containers from their saved positions.
 *
 * @param begin Starts the thread's code.
 */
export function createLogThread(
  log: LogCopierLog,
  begin: (options: WorkerOptions) => Worker = beginThread,
): LogThread {
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
    const started = begin({ name: "container-logs", resourceLimits: limits, workerData });
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
    for (const job of following.values()) send(started, ++requests, { kind: "follow", job });
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
    else caller.reject(new ContainerLogError(report.error.code, report.error.message));
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

// Written so that bundlers see the thread's code.
function beginThread(options: WorkerOptions): Worker {
  return new Worker(new URL("./log-worker.js", import.meta.url), options);
}
