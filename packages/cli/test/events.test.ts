import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { runDockershim } from "./run-dockershim.js";
import { ids } from "./sample-ids.js";
import { startSampleRuntime } from "./sample-runtime.js";

let runtime: Awaited<ReturnType<typeof startSampleRuntime>>;

beforeAll(async () => {
  runtime = await startSampleRuntime();
});
afterAll(() => runtime.close());

const events = (...args: string[]) => runDockershim(runtime.endpoint, ["events", ...args]);

test("are a line each, until the runtime ends them", async () => {
  expect(await events("-w")).toEqual({
    stdout: [
      "2026-11-23T09:00:00.000Z   created   aaaaaaaaaaaaa   pod default/front",
      "2026-11-23T09:00:01.000Z   started   1cccccccccccc   container default/front/web",
      "2026-11-23T09:00:02.000Z   stopped   ddddddddddddd   container shop/back/db   " +
        "exit code 137 (SIGKILL), OOMKilled",
      "2026-11-23T09:00:03.000Z   deleted   ddddddddddddd   container",
      "",
    ].join("\n"),
    stderr: "dockershim: the runtime has ended its events\n",
    code: 1,
  });
});

test("-o json is CRI's message, one on each line", async () => {
  const { stdout } = await events("-o", "json");
  const told = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(told).toHaveLength(4);
  expect(told[2]).toMatchObject({
    containerId: ids.db,
    containerEventType: "CONTAINER_STOPPED_EVENT",
    podSandboxStatus: { metadata: { name: "back" } },
  });
});
