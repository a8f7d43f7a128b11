import { Worker } from "node:worker_threads";
import type { MountJob } from "./mount-worker.js";

/** A thread that mounts: it has a mount namespace of its own for as long as that takes. */
export interface MountThread {
  /** Does one job after the other. @throws Error with the system call that failed. */
  call(job: MountJob): Promise<void>;
  close(): Promise<void>;
}

// Under a test runner this file is the source, beside which there is no compiled worker.
const workerUrl = new URL("../../dist/spec-hook/mount-worker.js", import.meta.url);

/** The thread is started by the first job. */
export function createMountThread(url: URL = workerUrl): MountThread {
  let worker: Worker | undefined;
  let last: Promise<unknown> = Promise.resolve();

  async function run(job: MountJob): Promise<void> {
    worker ??= new Worker(url, { name: "dockershim-mounts" });
    const thread = worker;
    await new Promise<void>((resolve, reject) => {
      const answered = (error: string | undefined): void => {
        thread.off("error", failed).off("exit", ended);
        thread.unref();
        if (error === undefined) resolve();
        else reject(new Error(error));
      };
      const failed = (err: unknown): void => {
        worker = undefined;
        reject(err);
      };
      const ended = (): void => failed(new Error("the thread that mounts has ended"));
      thread.once("message", answered).once("error", failed).once("exit", ended);
      thread.ref();
      thread.postMessage(job);
    });
  }

  return {
    async call(job) {
      const done = last.then(() => run(job));
      last = done.catch(() => undefined);
      await done;
    },
    async close() {
      await last;
      await worker?.terminate();
    },
  };
}
