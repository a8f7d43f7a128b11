import { expect, test } from "@jest/globals";
import { runProgram } from "../src/machine/run-program.js";

const path = process.env.PATH ?? "";

test("what a program says and its exit code come back", async () => {
  const outcome = await runProgram("sh", ["-c", "echo out; echo err >&2; exit 3"], {
    ...{ path, timeoutMs: 60_000 },
  });
  expect(outcome).toEqual({ code: 3, stdout: "out\n", stderr: "err" });
});

test("a program that is missing is an answer at once", async () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  const outcome = await runProgram("no-such-program", [], { path, timeoutMs: 60_000 });
  expect(outcome).toEqual({
    code: undefined,
    stdout: "",
    stderr: expect.stringContaining("ENOENT"),
  });
  // One that is left would keep the process.
  expect(timers()).toBe(before);
});

test("one that hangs is killed, also where its own child holds the output", async () => {
  const args = ["-c", "echo begun; sleep 7201 & sleep 7201"];
  const outcome = await runProgram("sh", args, { path, timeoutMs: 100 });
  expect(outcome.code).toBeUndefined();
  expect(outcome.stderr).toBe("sh gave no answer in 100 ms");
});

test("of a long output the beginning is kept", async () => {
  const { stdout } = await runProgram("sh", ["-c", "yes | head -c 100000"], {
    ...{ path, timeoutMs: 60_000, maxBytes: 10 },
  });
  expect(stdout).toBe("y\ny\ny\ny\ny\n");
});
