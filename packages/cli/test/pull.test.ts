import { PassThrough } from "node:stream";
import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { runDockershim } from "./run-dockershim.js";
import { id } from "./sample-ids.js";
import { startSampleRuntime } from "./sample-runtime.js";

let runtime: Awaited<ReturnType<typeof startSampleRuntime>>;

beforeAll(async () => {
  runtime = await startSampleRuntime();
});
beforeEach(() => {
  runtime.done.length = 0;
});
afterAll(() => runtime.close());

const pull = (...args: string[]) => runDockershim(runtime.endpoint, ["pull", ...args]);

test("tells what was pulled, and what could not be", async () => {
  expect(await pull("web:latest", "gone")).toEqual({
    stdout: `image web:latest pulled: sha256:${id("e")}\n`,
    stderr: "dockershim: image gone: PullImage: manifest unknown\n",
    code: 1,
  });
});

test("shows on a terminal how long it takes, and leaves nothing of that", async () => {
  let screen = "";
  const onScreen = (written: string) => {
    screen += written;
    runtime.endSlowPull();
  };
  const { stdout, code } = await runDockershim(runtime.endpoint, ["pull", "slow"], { onScreen });
  expect(stdout).toMatch(/^image slow pulled: /);
  const lines = screen.split("\r\u001b[K");
  expect([lines.at(0), lines.at(1), lines.at(-1)]).toEqual(["", "pulling slow, 0s", ""]);
  expect(code).toBe(0);
});

test.each([
  [["--creds", "me:pass:word"], "PullImage web me:pass:word "],
  [["--auth", "bWU6cHc="], "PullImage web : bWU6cHc="],
])("%j is passed on", async (args, passed) => {
  expect((await pull("web", ...args)).code).toBe(0);
  expect(runtime.done).toEqual([passed]);
});

test("--creds - reads them from stdin", async () => {
  const stdin = new PassThrough();
  stdin.end("me:secret\n");
  await runDockershim(runtime.endpoint, ["pull", "web", "--creds", "-"], { stdin });
  expect(runtime.done).toEqual(["PullImage web me:secret "]);
});

test.each([
  [["web", "--creds", "me"], "--creds: write user:password"],
  [["a", "b", "--creds", "me:pw"], "credentials are for one registry"],
  [["a", "--creds", "me:pw", "--auth", "x"], "cannot be used with"],
])("%j is wrong usage", async (args, message) => {
  expect(await pull(...args)).toMatchObject({ stderr: expect.stringContaining(message), code: 2 });
  expect(runtime.done).toEqual([]);
});
