import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { runDockershim } from "./run-dockershim.js";
import { startSampleRuntime } from "./sample-runtime.js";

let runtime: Awaited<ReturnType<typeof startSampleRuntime>>;

beforeAll(async () => {
  runtime = await startSampleRuntime();
});
beforeEach(() => {
  runtime.done.length = 0;
});
afterAll(() => runtime.close());

const dockershim = (...args: string[]) => runDockershim(runtime.endpoint, args);

describe("attach", () => {
  test("joins both outputs of a container until it ends", async () => {
    expect(await dockershim("attach", "front")).toEqual({
      stdout: "joined 1c\n",
      stderr: "careful\n",
      code: 0,
    });
    expect(await dockershim("attach", "-t", "web")).toMatchObject({
      stdout: "joined 1c by its terminal\n",
      stderr: "",
    });
  });

  test("-i passes input on until its end", async () => {
    const stdin = new PassThrough();
    stdin.end("hello");
    expect(await runDockershim(runtime.endpoint, ["attach", "-i", "web"], { stdin })).toMatchObject(
      {
        stdout: "joined 1c\nhello",
        code: 0,
      },
    );
  });

  test("-it is refused where input is no terminal", async () => {
    expect(await dockershim("attach", "-it", "web")).toMatchObject({
      stderr: "dockershim: attach: -t needs a terminal as input: leave out -t, or -i\n",
      code: 2,
    });
  });
});

test("start starts what it can", async () => {
  expect(await dockershim("start", "db", "web")).toEqual({
    stdout: "container shop/back/db started\n",
    stderr: "dockershim: container default/front/web: StartContainer: it runs\n",
    code: 1,
  });
  expect(runtime.done).toEqual(["StartContainer dd"]);
});

describe("update", () => {
  test("changes what is named, and leaves the other limits as they are", async () => {
    expect(await dockershim("update", "web", "--memory", "256Mi")).toMatchObject({
      stdout: "container default/front/web updated\n",
      code: 0,
    });
    await dockershim(
      "update",
      "web",
      "--cpus",
      "1.5",
      "--cpu-shares",
      "512",
      "--cpuset-cpus",
      "0-1",
    );
    expect(runtime.done).toEqual([
      "Update 1c 50000/100000 256 268435456+268435458 ",
      "Update 1c 150000/100000 512 134217728+134217730 0-1",
    ]);
  });

  test.each([
    [[], "update: say which limit"],
    [["--cpus", "0"], "It must be a number of CPUs"],
    [["--cpu-shares", "1"], "It must be a number, 2 or more"],
    [["--memory", "0.5Gi"], "It must be a whole number of bytes, k, M, G, Ki, Mi or Gi"],
  ])("%j is wrong usage", async (args, message) => {
    const { stderr, code } = await dockershim("update", "web", ...args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
    expect(runtime.done).toEqual([]);
  });
});

test("checkpoint names the archive by its whole path", async () => {
  expect(await dockershim("checkpoint", "web", "-e", "/tmp/x/../web.tar")).toEqual({
    stdout: "container default/front/web checkpointed: /tmp/web.tar\n",
    stderr: "",
    code: 0,
  });
  expect(runtime.done).toEqual(["Checkpoint 1c /tmp/web.tar"]);
  expect(await dockershim("checkpoint", "db", "--export", "x.tar")).toMatchObject({
    stderr: "dockershim: container shop/back/db: CheckpointContainer: no CRIU\n",
    code: 1,
  });
});

test("runtime-config tells the cgroup driver", async () => {
  expect(await dockershim("runtime-config")).toMatchObject({
    stdout: "Cgroup driver:   cgroupfs\n",
  });
  const { stdout } = await dockershim("runtime-config", "-o", "json");
  expect(JSON.parse(stdout)).toEqual({ linux: { cgroupDriver: "CGROUPFS" } });
});

test("metrics are in Prometheus' text format, a family after the other", async () => {
  expect(await dockershim("metrics")).toEqual({
    stdout: String.raw`# HELP cpu_total Time\nused
# TYPE cpu_total counter
cpu_total{pod="front",id="a\"b\\"} 7 1500
cpu_total{pod="front",id="web"} 2
# HELP threads ${""}
# TYPE threads gauge
threads 3
`,
    stderr: "",
    code: 0,
  });
});

describe("run", () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "cli-run-"));
  });
  afterAll(() => rm(dir, { recursive: true }));

  test.each([
    ["metadata: [", "it is no PodSandboxConfig of CRI: "],
    ["metadata: {name: a}\nimage: {image: web}", "it is no PodSandboxConfig of CRI: "],
    ["- a", "it is no PodSandboxConfig of CRI: "],
  ])("%j is refused by the file's name before anything is made", async (text, message) => {
    const file = join(dir, "pod.yaml");
    await writeFile(file, text);
    const { stderr, code } = await dockershim("run", file);
    expect(stderr).toMatch(`dockershim: ${file}: ${message}`);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(code).toBe(1);
  });

  test("a file that is not there is told", async () => {
    expect(await dockershim("run", "/nonexistent.yaml")).toMatchObject({
      stderr: "dockershim: cannot read /nonexistent.yaml: there is no such file\n",
      code: 1,
    });
  });
});
