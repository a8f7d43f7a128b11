import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { until } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { startBin } from "./dockershim-bin.js";
import { startRealRuntime } from "./real-runtime.js";

// Copying files and joining ports, with a real Docker engine.

let runtime: Awaited<ReturnType<typeof startRealRuntime>>;
let dir: string;

beforeAll(async () => {
  runtime = await startRealRuntime();
  dir = await mkdtemp(join(tmpdir(), "cli-copying-"));
});
afterAll(async () => {
  await runtime.close();
  await rm(dir, { recursive: true });
});

const dockershim = (...args: string[]) => runtime.dockershim(...args);
const fine = { stdout: "", stderr: "", code: 0 };

test("a folder goes into a container and comes back the same", async () => {
  await runtime.startPod("copied");
  await mkdir(join(dir, "site/deep"), { recursive: true });
  await writeFile(join(dir, "site/deep/page"), Buffer.alloc(5_000_000, "p"));
  await writeFile(join(dir, "site/run"), "#!", { mode: 0o755 });
  expect(await dockershim("cp", join(dir, "site"), "copied/main:/tmp")).toEqual(fine);
  const owners = await dockershim("exec", "copied", "stat", "-c", "%u:%g %a", "/tmp/site/run");
  expect(owners.stdout).toBe("0:0 755\n");
  expect(await dockershim("cp", "copied:/tmp/site", join(dir, "back"))).toEqual(fine);
  expect((await readFile(join(dir, "back/deep/page"))).equals(Buffer.alloc(5_000_000, "p"))).toBe(
    true,
  );
  expect((await stat(join(dir, "back/run"))).mode & 0o777).toBe(0o755);
});

test("a container without tar is told so", async () => {
  await runtime.startPod("bare", ["sh", "-c", "rm $(which tar); touch /ready; exec sleep 3600"]);
  await until(async () => (await dockershim("exec", "bare", "ls", "/ready")).code === 0);
  for (const args of [
    ["bare:/etc", dir],
    [join(dir, "site"), "bare:/tmp"],
  ]) {
    expect(await dockershim("cp", ...args)).toMatchObject({
      stderr: expect.stringMatching(/^dockershim: cp: default\/bare\/main has no tar, .*\n$/),
      code: 1,
    });
  }
});

test("a port of a pod is joined, and one that nothing listens on is told", async () => {
  const serve = "echo found > /tmp/page; exec httpd -f -p 8080 -h /tmp";
  await runtime.startPod("served", ["sh", "-c", serve]);
  const child = startBin(["port-forward", "served", ":8080", ":81"], {
    CONTAINER_RUNTIME_ENDPOINT: runtime.endpoint,
  });
  let [out, err] = ["", ""];
  child.stdout.on("data", (data) => {
    out += data;
  });
  child.stderr.on("data", (data) => {
    err += data;
  });
  await until(() => out.split("\n").length > 2 || child.exitCode !== null);
  const [web, nothing] = [...out.matchAll(/:(\d+) ->/g)].map(([, port]) => port);
  const get = async (port: string | undefined) =>
    await (await fetch(`http://127.0.0.1:${port}/page`)).text();
  // When the server has begun to listen is not told.
  expect(await until(() => get(web).catch(() => undefined))).toBe("found\n");
  await expect(get(nothing)).rejects.toThrow();
  await until(() => /port 81 of default\/served: .*refused/.test(err));
  expect(await get(web)).toBe("found\n");
  child.kill("SIGINT");
  await once(child, "close");
  expect(await text(child.stdout)).toBe("");
});
