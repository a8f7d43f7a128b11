import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, jest } from "@jest/globals";
import { type DaemonOptions, startDaemon } from "../daemon.ts";
import { endProcess, type ProcessId } from "../process-id.ts";

let folder: string;
let running: ProcessId[];
let starts: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lab-daemon-"));
  running = [];
  starts = 0;
  jest.spyOn(console, "error").mockImplementation(() => {});
});

afterEach(async () => {
  for (const id of running) await endProcess(id, 5000);
  rmSync(folder, { recursive: true });
  jest.restoreAllMocks();
});

/** A program that says something and ends, as often as told; then it is ready and stays. */
function failing({ times, words }: { times: number; words: string }): DaemonOptions {
  const program = join(folder, "program");
  const [count, ready] = [join(folder, "count"), join(folder, "ready")];
  writeFileSync(
    program,
    `#!/bin/sh
echo >>${count}
[ $(wc -l <${count}) -gt ${times} ] || { echo "${words}"; exit 1; }
touch ${ready}
exec sleep 600
`,
  );
  chmodSync(program, 0o755);
  return {
    code: "engine",
    program,
    args: [],
    path: process.env.PATH ?? "",
    logFile: join(folder, "log"),
    timeoutMs: 300_000,
    onStart: (id) => running.push(id),
    beforeStart: () => {
      starts++;
    },
    isReady: async () => existsSync(ready),
    slowWords: "timeout waiting",
  };
}

it("starts a program again that ended because the machine is slow", async () => {
  await startDaemon(failing({ times: 2, words: "failed: timeout waiting for a child" }));
  expect(starts).toBe(3);
});

it("gives up in the end, with what the program said", async () => {
  const starting = startDaemon(failing({ times: 1000, words: "timeout waiting for a child" }));
  await expect(starting).rejects.toThrow(/\btimeout waiting for a child$/);
  expect(starts).toBe(5);
});

it("does not start a program again that ended for another reason, whatever an earlier run said", async () => {
  const options = failing({ times: 1000, words: "no such option" });
  writeFileSync(options.logFile, "timeout waiting for a child\n");
  await expect(startDaemon(options)).rejects.toThrow(/(?<!waiting for a child)\s+no such option$/);
  expect(starts).toBe(1);
  expect(readFileSync(options.logFile, "utf8")).toBe(
    "timeout waiting for a child\nno such option\n",
  );
});
