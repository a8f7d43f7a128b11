import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { bundleProgram } from "../bundle.ts";

const run = promisify(execFile);
const file = join(import.meta.dirname, "../light-headers.js");
const { LightHeaders } = (await import(file)) as { LightHeaders: typeof Headers };

/** What can be seen of headers. */
function seen(headers: Headers) {
  const each: string[] = [];
  headers.forEach((value, name, all) => void each.push(`${name}: ${value} ${all === headers}`));
  return {
    each,
    pairs: [...headers],
    keys: [...headers.keys()],
    values: [...headers.values()],
    cookies: headers.getSetCookie(),
  };
}

/** By its name: Node's own comes from outside of the test's globals. */
function errorOf(use: Use, Kind: typeof Headers): string {
  try {
    use(Kind);
    return "none";
  } catch (error) {
    return (error as Error).name;
  }
}

type Use = (Kind: typeof Headers) => unknown;

test.each<[string, Use]>([
  ["nothing", (Kind) => seen(new Kind())],
  ["an object", (Kind) => seen(new Kind({ B: "2", a: "1" }))],
  [
    "pairs, some of one name",
    (Kind) =>
      seen(
        new Kind([
          ["X-A", "1"],
          ["x-a", "2"],
          ["b", ""],
        ]),
      ),
  ],
  ["other headers", (Kind) => seen(new Kind(new Kind({ a: "1", "set-cookie": "c=1" })))],
  [
    "Node's headers",
    (Kind) =>
      seen(
        new Kind(
          new Headers([
            ["a", "1"],
            ["a", "2"],
          ]),
        ),
      ),
  ],
  ["a map", (Kind) => seen(new Kind(new Map([["a", "1"]]) as never))],
  [
    "cookies",
    (Kind) =>
      seen(
        new Kind([
          ["Set-Cookie", "a=1, 2"],
          ["set-cookie", "b"],
          ["t", "z"],
        ]),
      ),
  ],
  ["blanks around", (Kind) => new Kind({ a: "\t 1 \r\n" }).get("a")],
  ["bytes", (Kind) => new Kind({ a: "ÿ\u0001" }).get("A")],
  ["numbers", (Kind) => new Kind({ a: 7 } as never).get("a")],
  ["what is not there", (Kind) => [new Kind().get("a"), new Kind().has("a")]],
])("%s: as Node's own", (_, use) => {
  expect(use(LightHeaders)).toEqual(use(Headers));
});

test("changes: as Node's own", () => {
  const change: Use = (Kind) => {
    const headers = new Kind({ "Content-Type": "a", b: "1" });
    headers.append("CONTENT-type", "b");
    const joined = headers.get("content-TYPE");
    headers.set("b", "2");
    headers.append("c", "3");
    headers.delete("C");
    headers.delete("d");
    return { joined, has: headers.has("B"), ...seen(headers) };
  };
  expect(change(LightHeaders)).toEqual(change(Headers));
});

describe("refused, as by Node's own", () => {
  test.each<[string, Use]>([
    ["a name with a blank", (Kind) => new Kind({ "a b": "1" })],
    ["no name", (Kind) => new Kind({ "": "1" })],
    ["a value of two lines", (Kind) => new Kind({ a: "1\n2" })],
    ["a value with a NUL", (Kind) => new Kind({ a: "1\0" })],
    ["a value that is no bytes", (Kind) => new Kind({ a: "€" })],
    ["a pair of three", (Kind) => new Kind([["a", "b", "c"]] as never)],
    ["a pair of one", (Kind) => new Kind([["a"]] as never)],
    ["null", (Kind) => new Kind(null as never)],
    ["a text", (Kind) => new Kind("a" as never)],
    ["a name to look for", (Kind) => new Kind().get("a:")],
  ])("%s", (_, use) => {
    expect(errorOf(use, LightHeaders)).toBe("TypeError");
    expect(errorOf(use, Headers)).toBe("TypeError");
  });
});

test("a command that asks the runtime does not load Node's HTTP client", async () => {
  const folder = await mkdtemp(join(tmpdir(), "light-headers-"));
  try {
    const { program } = await bundleProgram(join(import.meta.dirname, "../.."));
    await writeFile(join(folder, "program.cjs"), program);
    const tell = 'process.on("exit", () => console.log("loaded:", ...process.moduleLoadList));';
    await writeFile(join(folder, "tell.cjs"), tell);
    const args = ["-r", join(folder, "tell.cjs"), join(folder, "program.cjs"), "version"];
    const { stdout } = await run(process.execPath, args);
    expect(stdout).toMatch(/^Client: .*Runtime: .*loaded: .*NativeModule http2/s);
    expect(stdout).not.toContain("undici");
  } finally {
    await rm(folder, { recursive: true });
  }
});
