import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { runDockershim } from "./run-dockershim.js";
import { id, ids } from "./sample-ids.js";
import { startSampleRuntime } from "./sample-runtime.js";

let runtime: Awaited<ReturnType<typeof startSampleRuntime>>;

beforeAll(async () => {
  runtime = await startSampleRuntime();
});
afterAll(() => runtime.close());

/** What a command prints, without a word on stderr. */
async function printed(...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await runDockershim(runtime.endpoint, args);
  expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
  return stdout;
}

describe("-o wide", () => {
  test("of pods has their addresses", async () => {
    expect(await printed("pods", "-o", "wide")).toBe(`\
POD ID          NAMESPACE   NAME    STATE      AGE    ATTEMPT   RUNTIME     ADDRESSES           UID
aaaaaaaaaaaaa   default     front   Ready      2d2h   0         (default)   10.1.0.7, fd00::7   front
bbbbbbbbbbbbb   shop        back    NotReady   4d4h   0         (default)   10.1.0.7, fd00::7   back
`);
  });

  test("of containers has how they ended", async () => {
    const rows = (await printed("ps", "-a", "-o", "wide")).trimEnd().split("\n");
    expect(rows.map((row) => row.split(/ {3,}/).slice(-3))).toEqual([
      ["IMAGE ID", "EXIT CODE", "REASON"],
      ["eeeeeeeeeeeee", "-", "-"],
      ["eeeeeeeeeeeee", "2", "Error"],
      ["eeeeeeeeeeeee", "137 (SIGKILL)", "OOMKilled"],
    ]);
  });

  test("of images has digests, users and which are pinned", async () => {
    expect(await printed("images", "-o", "wide")).toBe(`\
IMAGE                TAG      DIGEST          IMAGE ID        SIZE     USER   PINNED
gone                 <none>   fffffffffffff   fffffffffffff   700B     -      no
localhost:5000/web   1        <none>          eeeeeeeeeeeee   4.27MB   1000   no
web                  latest   fffffffffffff   eeeeeeeeeeeee   4.27MB   1000   no
`);
  });
});

test.each([
  ["pods", "default/front\nshop/back\n"],
  ["ps", "default/front/web\n"],
  ["images", `gone@sha256:${id("f")}\nlocalhost:5000/web:1\n`],
])("%s -o name prints what other commands take", async (list, names) => {
  expect(await printed(list, "-o", "name")).toBe(names);
  for (const name of names
    .trimEnd()
    .split("\n")
    .filter((each) => !each.startsWith("gone"))) {
    expect(await printed("inspect", name)).not.toBe("");
  }
});

test.each([
  [
    ["pods", "--sort-by", "name"],
    [ids.back, ids.front],
  ],
  [
    ["pods", "--sort-by", "state"],
    [ids.back, ids.front],
  ],
  [["pods", "--last", "1"], [ids.front]],
  [
    ["ps", "-a", "--sort-by", "name"],
    [ids.db, ids.web, ids.ended],
  ],
  [
    ["ps", "-a", "--sort-by", "pod"],
    [ids.web, ids.ended, ids.db],
  ],
  [
    ["ps", "--last", "2"],
    [ids.web, ids.ended],
  ],
  [
    ["ps", "--last", "2", "--sort-by", "state"],
    [ids.ended, ids.web],
  ],
  [["ps", "--last", "1", "--state", "exited"], [ids.ended]],
  [
    ["ps", "-a", "--image", "web:latest"],
    [ids.web, ids.ended, ids.db],
  ],
  [
    ["ps", "-a", "--image", "eee"],
    [ids.web, ids.ended, ids.db],
  ],
  [
    ["images", "--sort-by", "size"],
    [`sha256:${id("e")}`, `sha256:${id("f")}`],
  ],
])("%j -q chooses and orders", async (args, expected) => {
  expect(await printed(...args, "-q")).toBe(expected.map((each) => `${each}\n`).join(""));
});

test("--image of an image without containers finds none", async () => {
  expect(await runDockershim(runtime.endpoint, ["ps", "-a", "--image", "ff"])).toEqual({
    stdout: "",
    stderr: "No containers found.\n",
    code: 0,
  });
});
