import { once } from "node:events";
import { until } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createCpuRates } from "../src/stats/cpu-rates.js";
import { startBin } from "./dockershim-bin.js";
import { runDockershim } from "./run-dockershim.js";
import { ids } from "./sample-ids.js";
import { startSampleRuntime } from "./sample-runtime.js";

let runtime: Awaited<ReturnType<typeof startSampleRuntime>>;

beforeAll(async () => {
  runtime = await startSampleRuntime();
});
afterAll(() => runtime.close());

const stats = (...args: string[]) => runDockershim(runtime.endpoint, ["stats", ...args]);
const header = "CONTAINER       NAME   POD             CPU     MEMORY   OF LIMIT   DISK   INODES\n";
const web = "1cccccccccccc   web    default/front   5m      12.5Mi   50%        4Ki    9\n";
const db = "ddddddddddddd   db     shop/back       1500m   12.5Mi   -          -      -\n";

test("of containers come by name", async () => {
  expect(await stats()).toEqual({ stdout: header + web + db, stderr: "", code: 0 });
});

test("those that use most can come first", async () => {
  expect((await stats("--sort-by", "cpu")).stdout).toBe(header + db + web);
});

test("of a pod are those of its containers, and others can be named beside it", async () => {
  expect((await stats("-o", "json", "front")).stdout).toContain(ids.web);
  expect(JSON.parse((await stats("-o", "json", "front")).stdout).stats).toHaveLength(1);
  expect((await stats("front", "db")).stdout).toBe(header + web + db);
  expect(await stats("nobody")).toMatchObject({ stdout: "", code: 1 });
});

test("of pods are measured for a moment where the runtime tells no rates", async () => {
  expect(await stats("--pods")).toEqual({
    stdout:
      "POD ID          NAMESPACE   NAME    CPU    MEMORY   OF LIMIT   RECEIVED   SENT   PROCESSES\n" +
      "aaaaaaaaaaaaa   default     front   250m   2Mi      -          1000B      2Ki    3\n" +
      "bbbbbbbbbbbbb   shop        back    250m   2Mi      -          1000B      2Ki    3\n",
    stderr: "",
    code: 0,
  });
  const { stdout } = await stats("--pods", "back", "-o", "json");
  expect(JSON.parse(stdout)).toMatchObject({ stats: [{ attributes: { id: ids.back } }] });
});

test("-w goes on until interrupted", async () => {
  const watch = startBin(["stats", "-w", "--interval", "50ms"], {
    CONTAINER_RUNTIME_ENDPOINT: runtime.endpoint,
  });
  let printed = "";
  watch.stdout.on("data", (chunk) => {
    printed += chunk;
  });
  await until(() => printed.split("\n\n").length > 2);
  expect(printed).toMatch(`${header}${web}${db}\n${header}${web}${db}\n${header}`);
  watch.kill("SIGINT");
  expect(await once(watch, "close")).toEqual([null, "SIGINT"]);
});

test("a reading that is told twice keeps its rate, and a counter that begins anew has none", () => {
  const { rate } = createCpuRates();
  const cpu = (timestamp: bigint, used: bigint) =>
    ({ timestamp, usageCoreNanoSeconds: { value: used } }) as Parameters<typeof rate>[1];
  expect(rate("a", undefined)).toBeUndefined();
  expect(rate("a", cpu(1_000_000_000n, 0n))).toBeUndefined();
  expect(rate("a", cpu(3_000_000_000n, 1_000_000_000n))).toBe(500_000_000);
  expect(rate("a", cpu(3_000_000_000n, 1_000_000_000n))).toBe(500_000_000);
  expect(rate("b", cpu(3_000_000_000n, 1_000_000_000n))).toBeUndefined();
  expect(rate("a", cpu(4_000_000_000n, 0n))).toBeUndefined();
});
