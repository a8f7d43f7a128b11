import { writeFile } from "node:fs/promises";
import { until } from "@dockershim/testing";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { runDockershim } from "./run-dockershim.js";
import { startSampleRuntime } from "./sample-runtime.js";
import { type Screen, startInTerminal } from "./virtual-terminal.js";

let runtime: Awaited<ReturnType<typeof startSampleRuntime>>;
let screen: Screen | undefined;

beforeAll(async () => {
  runtime = await startSampleRuntime();
});
afterEach(async () => {
  screen?.press("\u0003");
  await screen?.ended();
  screen = undefined;
});
afterAll(() => runtime.close());

const down = "\u001b[B";
const enter = "\r";

/** Starts it, and waits for its first list. */
async function top(args: readonly string[] = [], size?: { columns: number; rows: number }) {
  screen = startInTerminal(
    ["top", "--interval", "100ms", ...args],
    { CONTAINER_RUNTIME_ENDPOINT: runtime.endpoint, NO_COLOR: "1" },
    size,
  );
  await screen.shows("RESTARTS");
  return screen;
}

/** The time of day is another one each time. */
const timeless = (text: string) => text.replace(/\d\d:\d\d:\d\d/, "hh:mm:ss");

test("pods and their containers on 80 columns, those that use most first", async () => {
  const { shows } = await top();
  const [list, ...below] = timeless(await shows(/logs behind[\s\S]*front +250m.*0B/)).split("\n\n");
  expect(list).toBe(`\
hh:mm:ss  by cpu  3 logs behind 12s  0.50 cores  4Mi  2 pods, 2 containers
POD / CONTAINER             CPU   MEMORY LIMIT    PSI     RX/S     TX/S RESTARTS
>default/front             250m      2Mi     -      -       0B       0B        1
   web                       5m   12.5Mi   50%   7.3%                          1
 shop/back                 250m      2Mi     -      -       0B       0B        0
   db                     1500m   12.5Mi     -      -                          0`);
  expect(below.at(-1)?.trim()).toBe(
    "Enter open  Esc back  s sort  / filter  l logs  e shell  k kill  ? help  q quit",
  );
});

test("keys choose lines, orders, one pod, and all about something", async () => {
  const { press, shows } = await top();
  await shows(/> ?default\/front/);
  press(down);
  await shows(/> {2}web/);
  press("sss");
  await shows("by network");
  press(enter);
  await shows(/Container: +default\/front\/web/);
  press("\u001b");
  await shows("Enter open");
  press("\u001b[A");
  await shows(/> ?default\/front/);
  press(enter);
  expect(await shows("one pod")).not.toContain("shop/back");
  press("\u001b");
  await shows("shop/back");
  press("?");
  await shows("a shell in the container");
  press("x");
  await shows("shop/back");
});

test("a filter narrows the list while it is written", async () => {
  const { press, shows } = await top();
  press("/db");
  expect(await shows("Filter: db_")).not.toContain("default/front");
  press("\u007f\u007f");
  await shows("default/front");
  press("nothing");
  await shows('nothing has "nothing" in its name');
  press("\u001b");
  await shows("default/front");
});

test("killing asks first", async () => {
  const { press, shows } = await top();
  await shows(/> ?default\/front/);
  runtime.done.length = 0;
  press(down);
  press("k");
  await shows("Stop the container default/front/web? It has 10 s to end, then it is killed. y/N");
  press("n");
  await shows("default/front/web goes on");
  expect(runtime.done).toEqual([]);
  press("ky");
  await shows("default/front/web stopped");
  expect(runtime.done).toEqual(["StopContainer 1c within 10 s"]);
});

test("what has ended is not killed again", async () => {
  const { press, shows } = await top(["--filter", "shop"]);
  await shows(/> ?shop\/back/);
  press("k");
  await shows("shop/back has ended");
});

test("a log is followed on the screen below, and Ctrl-C comes back", async () => {
  await writeFile(runtime.logPath, "2026-11-23T10:00:00Z stdout F a line of the log\n");
  const { press, shows, isAlternate } = await top();
  await shows(/> ?default\/front/);
  press("l");
  await shows("a line of the log");
  expect(isAlternate()).toBe(false);
  press("\u0003");
  await shows("RESTARTS");
  expect(isAlternate()).toBe(true);
});

test("a shell runs, and its end comes back", async () => {
  const { press, shows, written } = await top();
  await shows(/> ?default\/front/);
  press("e");
  await until(() => written().includes('ran ["sh"]'));
  await shows("RESTARTS");
});

describe("the terminal", () => {
  test("is drawn anew when its size changes, with fewer columns and more", async () => {
    const { shows, resize } = await top();
    resize(50, 10);
    const narrow = await until(() => {
      const text = screen?.text() ?? "";
      return text.includes("q quit") || !text.includes("CPU") ? undefined : text;
    });
    expect(Math.max(...narrow.split("\n").map((line) => line.length))).toBeLessThanOrEqual(50);
    expect(narrow).not.toContain("TX/S");
    resize(120, 40);
    expect(await shows("STATE")).toContain("TX/S");
  });

  test.each([
    ["q", "q"],
    ["Ctrl-C", "\u0003"],
  ])("is as before after %s", async (_, key) => {
    const { press, ended, isAlternate, hasCursor } = await top();
    expect([isAlternate(), hasCursor()]).toEqual([true, false]);
    press(key);
    expect(await ended()).toBe(0);
    await until(() => !isAlternate() && hasCursor());
    screen = undefined;
  });

  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("is as before after %s", async (signal) => {
    const { pid, ended, isAlternate, hasCursor } = await top();
    process.kill(pid(), signal);
    await ended();
    await until(() => !isAlternate() && hasCursor());
    screen = undefined;
  });

  test("is written to only where something has changed", async () => {
    const { shows, written } = await top(["--filter", "front"]);
    await shows(/web +5m/);
    const before = written().length;
    // The clock on the first line changes, and nothing else does.
    await until(() => written().length > before + 20);
    const frames = written().slice(before);
    expect(frames).not.toContain("web");
    expect(frames).not.toContain("\u001b[2J");
  });
});

test("a runtime that has gone is told, and what was known stays", async () => {
  const other = await startSampleRuntime();
  screen = startInTerminal(["top", "--interval", "100ms", "-r", other.endpoint], { NO_COLOR: "1" });
  await screen.shows(/web +5m/);
  await other.close();
  const text = await screen.shows("cannot reach the container runtime");
  expect(text).toContain("default/front");
});

test("without a terminal it says what else there is", async () => {
  expect(await runDockershim(runtime.endpoint, ["top"])).toEqual({
    stdout: "",
    stderr: "dockershim: top: it needs a terminal; dockershim stats prints once\n",
    code: 2,
  });
});
