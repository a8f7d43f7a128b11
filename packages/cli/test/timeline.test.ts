import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { formatMs } from "../src/timeline/timeline-stretches.js";
import { runDockershim } from "./run-dockershim.js";
import { startSampleRuntime } from "./sample-runtime.js";

let runtime: Awaited<ReturnType<typeof startSampleRuntime>>;

beforeAll(async () => {
  runtime = await startSampleRuntime();
  await writeFile(runtime.logPath, "2026-11-23T09:00:02.250000000Z stdout F hello\n");
});
afterAll(() => runtime.close());

const timeline = (...args: string[]) =>
  runDockershim(runtime.endpoint, ["timeline", ...args], {
    columns: 80,
    env: { NO_COLOR: "1", CONTAINER_RUNTIME_ENDPOINT: runtime.endpoint },
  });

test("on 80 columns", async () => {
  const { stdout, stderr, code } = await timeline("front");
  expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
  expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(stdout).toMatchInlineSnapshot(`
"Pod default/front  aaaaaaaaaaaaa

Start, 2026-11-23 09:00:00.000 UTC, 2.25s
   0.0ms  RunPodSandbox              ████████████▍                         800ms
   5.0ms    docker containers.create █▌                                     95ms
   100ms    docker containers.start   █████▏                               300ms
   400ms    cni ADD                        ██████▏                         380ms
   402ms    cni ADD bridge                 ████▏                           250ms
   660ms    cni ADD portmap (failed)           ██                          118ms
   810ms  PullImage                              ███████████▎              690ms
   1.50s  until the next call                               █▉             100ms
   1.60s  CreateContainer web                                ██▍           100ms
   1.60s    docker containers.create                         ██▎            90ms
   1.70s  StartContainer web                                   █████       300ms
          no such <program>
   2.25s  first log line of web                                        ◆

End, 2026-11-23 09:10:00.000 UTC, 10.02s
   0.0ms  StopContainer web ████████████████████████████████████████████  10.02s
  10.02s  StopPodSandbox                                               █       …
"
`);
});

test("-o json prints what the daemon has told", async () => {
  const { stdout } = await timeline("default/front", "-o", "json");
  expect(JSON.parse(stdout)).toMatchObject({
    pods: [
      {
        name: "front",
        calls: [{ method: "RunPodSandbox", spans: expect.any(Array) }, {}, {}, {}, {}, {}],
      },
    ],
  });
});

describe("--html", () => {
  test("is a page by itself, light and dark, for narrow windows and wide", async () => {
    const { stdout } = await timeline("front", "--html");
    expect(stdout).toMatch(/^<!doctype html>\n<html lang="en">/);
    // Nothing is fetched from anywhere, and nothing runs.
    expect(stdout).not.toMatch(/https?:|<script|<link|<img|url\(|@import|src=/);
    expect(stdout).toContain("@media (prefers-color-scheme:dark)");
    expect(stdout).toContain("@media (max-width:40rem)");
    expect(stdout).toContain('<meta name="viewport"');
  });

  test("has a bar for each call and span, within its stretch", async () => {
    const { stdout } = await timeline("front", "--html");
    const bars = [...stdout.matchAll(/style="left:([\d.]+)%;width:([\d.]+)%"/g)];
    expect(bars).toHaveLength(14);
    for (const [, left, width] of bars) expect(Number(left) + Number(width)).toBeLessThan(100.02);
    expect(stdout).toContain('<li class="span failed"><span class="name">cni ADD portmap</span>');
    expect(stdout.match(/<(ol|li|section|main|span)\b/g)?.length).toBe(
      stdout.match(/<\/(ol|li|section|main|span)>/g)?.length,
    );
  });

  test("shows what is not ours to choose as text", async () => {
    const { stdout } = await timeline("front", "--html");
    expect(stdout).toContain("<em>no such &#60;program&#62;</em>");
  });
});

test("a pod from before the daemon was started is told apart from none", async () => {
  expect(await timeline("back")).toMatchObject({
    stderr:
      "dockershim: nothing is known of the start of back: it was there before the daemon was started, or too many have come since\n",
    code: 1,
  });
  expect(await timeline("frond")).toMatchObject({
    stderr: 'dockershim: no pod has the id or name "frond"; see dockershim pods\n',
    code: 1,
  });
});

test("a runtime that keeps none is told", async () => {
  const other = await startSampleRuntime({}, { timelines: false });
  expect(await runDockershim(other.endpoint, ["timeline", "front"])).toEqual({
    stdout: "",
    stderr: `dockershim: the runtime at ${other.endpoint} keeps no timelines; dockershim's daemon does\n`,
    code: 1,
  });
  await other.close();
});

test.each([
  [0.25, "0.3ms"],
  [812.4, "812ms"],
  [2_412, "2.41s"],
  [185_000, "3m5s"],
  [undefined, "…"],
])("%p ms is %s", (ms, shown) => {
  expect(formatMs(ms)).toBe(shown);
});
