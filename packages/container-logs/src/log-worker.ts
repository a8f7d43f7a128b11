import { parentPort, workerData } from "node:worker_threads";
import { ContainerLogError } from "./errors.js";
import { createLogLagRecorder } from "./log-lag.js";
import { createLogScheduler } from "./log-scheduler.js";
import type {
  LogReport,
  LogRequest,
  LogTask,
  LogTaskError,
  LogWorkerData,
} from "./log-thread-protocol.js";

/** The thread that copies logs: it reads and writes synchronously, so it has a loop of its own. */
const port = parentPort;
if (port === null) throw new Error("log-worker.js is a worker thread, not a program");

const send = (message: LogReport): void => port.postMessage(message);
const { lag } = workerData as LogWorkerData;
const scheduler = createLogScheduler(
  (level, container, message) => send({ level, container, message }),
  createLogLagRecorder(lag),
);

port.on("message", ({ request, task }: LogRequest) => {
  perform(task).then(
    () => send({ request }),
    (err) => send({ request, error: toTaskError(err) }),
  );
});

async function perform(task: LogTask): Promise<void> {
  switch (task.kind) {
    case "follow":
      return scheduler.follow(task.job);
    case "settle":
      return await scheduler.settle(task.job);
    case "reopen":
      return scheduler.reopen(task.job);
    case "remove":
      return scheduler.remove(task.id, task.position);
    case "close":
      return scheduler.close();
  }
}

function toTaskError(reason: unknown): LogTaskError {
  const { code, message } = ContainerLogError.from(reason);
  return { code, message };
}
