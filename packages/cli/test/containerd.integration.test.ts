import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { startContainerd } from "./containerd-runtime.js";
import { startBin } from "./dockershim-bin.js";
import { startInTerminal } from "./virtual-terminal.js";

// The command with a runtime that is not ours: Debian's containerd.

let runtime: Awaited<ReturnType<typeof startContainerd>>;
let dir: string;

beforeAll(async () => {
  runtime = await startContainerd();
  dir = await mkdtemp(join(tmpdir(), "cli-containerd-files-"));
  const serve = "echo out; echo found > /tmp/page; exec httpd -f -p 8080 -h /tmp";
  await runtime.startPod("web", ["sh", "-c", serve]);
});
afterAll(async () => {
  await runtime?.close();
  await rm(dir, { recursive: true });
});

const dockershim = (...args: string[]) => runtime.dockershim(...args);
const fine = { stdout: "", stderr: "", code: 0 };

test("its pods are listed, and a template filled in", async () => {
  expect((await dockershim("version")).stdout).toMatch(/\nRuntime: +containerd /);
  const names = "jsonpath={.items[*].metadata.name}";
  expect((await dockershim("pods", "-o", names)).stdout).toBe("web");
});

test("files go in and come out, though its WebSockets cannot end an input", async () => {
  await mkdir(join(dir, "site"));
  await writeFile(join(dir, "site/page"), Buffer.alloc(2_000_000, "p"));
  expect(await dockershim("cp", join(dir, "site"), "web:/tmp")).toEqual(fine);
  expect(await dockershim("cp", "web:/tmp/site", join(dir, "back"))).toEqual(fine);
  const back = await readFile(join(dir, "back/page"));
  expect(back.equals(Buffer.alloc(2_000_000, "p"))).toBe(true);
  await dockershim("exec", "web", "sh", "-c", "rm $(which tar)");
  expect(await dockershim("cp", "web:/etc", dir)).toMatchObject({
    stderr: expect.stringMatching(/^dockershim: cp: default\/web\/main has no tar, .*\n$/),
    code: 1,
  });
});

test("a port is joined", async () => {
  const child = startBin(["port-forward", "web", ":8080"], {
    CONTAINER_RUNTIME_ENDPOINT: runtime.endpoint,
  });
  let out = "";
  child.stdout.on("data", (data) => {
    out += data;
  });
  const port = await until(() => /:(\d+) ->/.exec(out)?.[1]);
  const get = async () => await (await fetch(`http://127.0.0.1:${port}/page`)).text();
  expect(await until(() => get().catch(() => undefined))).toBe("found\n");
  child.kill("SIGINT");
  await once(child, "close");
});

test("top shows what it tells", async () => {
  const screen = startInTerminal(["top", "-r", runtime.endpoint], { NO_COLOR: "1" });
  await screen.shows(/main +\d+m +[\d.]+[KM]i +\d+%/);
  screen.press("q");
  expect(await screen.ended()).toBe(0);
});

test("it keeps no timelines, which is told", async () => {
  expect(await dockershim("timeline", "web")).toEqual({
    stdout: "",
    stderr: `dockershim: the runtime at ${runtime.endpoint} keeps no timelines; dockershim's daemon does\n`,
    code: 1,
  });
});
