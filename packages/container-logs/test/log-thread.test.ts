import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { ContainerLogError } from "../src/errors.js";
import { createLogThread, type LogThread } from "../src/log-thread.js";
import type { LogCopyJob } from "../src/log-thread-protocol.js";

describe("the log thread", () => {
  let dir: string;
  let worker: LogThread;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "log-worker-"));
  });
  afterEach(async () => {
    await worker.close();
    rmSync(dir, { recursive: true });
  });

  /** A thread that writes down what it is asked, with code run before each answer. */
  function start(beforeAnswer: string): LogThread {
    const script = join(dir, "thread.mjs");
    writeFileSync(
      script,
      `import { parentPort } from "node:worker_threads";
       import { appendFileSync, existsSync, writeFileSync } from "node:fs";
       const dir = ${JSON.stringify(dir)};
       parentPort.on("message", ({ request, task }) => {
         appendFileSync(dir + "/tasks", task.kind + " " + (task.job?.id ?? "") + "\\n");
         let error;
         ${beforeAnswer}
         parentPort.postMessage({ request, error });
       });`,
    );
    const log = { info: () => {}, warn: () => {}, error: () => {} };
    worker = createLogThread(log, (options) => new Worker(pathToFileURL(script), options));
    return worker;
  }

  const tasks = (): string[] => readFileSync(join(dir, "tasks"), "utf8").trim().split("\n");

  const job = (id: string): LogCopyJob => ({
    id,
    source: "",
    target: { directory: "", file: "" },
    tty: false,
    position: "",
  });

  test("that dies is replaced, which follows all again and answers what was asked", async () => {
    const thread = start(
      `if (task.kind === "reopen" && !existsSync(dir + "/died")) {
         writeFileSync(dir + "/died", "");
         process.exit(1);
       }`,
    );
    await thread.perform({ kind: "follow", job: job("a") });
    await thread.perform({ kind: "follow", job: job("b") });
    await thread.perform({ kind: "settle", job: job("b") });
    await thread.perform({ kind: "reopen", job: job("a") });
    expect(tasks()).toEqual([
      "follow a",
      "follow b",
      "settle b",
      "reopen a",
      "follow a",
      "reopen a",
    ]);
  });

  test("that reports an error makes it one of the package's class", async () => {
    const thread = start(`error = { message: "no", code: "no_space" };`);
    const failed = thread.perform({ kind: "reopen", job: job("a") });
    await expect(failed).rejects.toBeInstanceOf(ContainerLogError);
    await expect(failed).rejects.toMatchObject({ code: "no_space", message: "no" });
  });

  test("is told to save before it ends", async () => {
    const thread = start("");
    await thread.perform({ kind: "follow", job: job("a") });
    await thread.close();
    expect(tasks()).toEqual(["follow a", "close"]);
  });
});
