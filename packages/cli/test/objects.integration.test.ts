import { once } from "node:events";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { imageTarOf, labVariable, until } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { startBin } from "./dockershim-bin.js";
import { startRealRuntime } from "./real-runtime.js";

// Looking at objects and handling them, with a real Docker engine.

let runtime: Awaited<ReturnType<typeof startRealRuntime>>;

beforeAll(async () => {
  runtime = await startRealRuntime();
});
afterAll(() => runtime.close());

const dockershim = (...args: string[]) => runtime.dockershim(...args);

test("a pod, its container and the image are inspected and described", async () => {
  const { podSandboxId, containerId } = await runtime.startPod("seen");
  const image = labVariable("LAB_IMAGE");
  const inspected = await dockershim("inspect", "seen", "seen/main", image);
  expect(JSON.parse(inspected.stdout)).toMatchObject([
    { status: { id: podSandboxId, state: "SANDBOX_READY" } },
    { status: { id: containerId, state: "CONTAINER_RUNNING" }, info: expect.anything() },
    { image: { repoTags: expect.arrayContaining([image]) } },
  ]);
  const container = await dockershim("describe", containerId.slice(0, 8));
  expect(container.stdout).toMatch(/^Container: +default\/seen\/main\n/);
  expect(container.stdout).toMatch(/\n {2}State +Running\n/);
  expect(container.stdout).toMatch(/\n {2}Memory limit +64Mi\n/);
  const pod = await dockershim("describe", "default/seen");
  expect(pod.stdout).toMatch(/\n {2}main +0 +Running +\d+s ago +[0-9a-f]{13}\n/);
  const described = await dockershim("describe", "--type", "image", image);
  expect(described.stdout).toMatch(/\nPlatform: +linux\/\w+\n/);
  expect(described.stdout).toContain("\n  default/seen/main   ");
});

test("what a container and its pod use is shown", async () => {
  const { podSandboxId, containerId } = await runtime.startPod("busy");
  const container = await dockershim("stats", "busy/main");
  const use = String.raw`\d+m +[\d.]+[KM]i +`;
  expect(container.stdout).toMatch(
    new RegExp(`\n${containerId.slice(0, 13)} +main +default/busy +${use}\\d+% +\\S+ +\\S+\n$`),
  );
  const pod = await dockershim("stats", "--pods", "busy");
  expect(pod.stdout).toMatch(
    new RegExp(`\n${podSandboxId.slice(0, 13)} +default +busy +${use}- +\\S+ +\\S+ +\\d+\n$`),
  );
});

test("a container that failed is described with its exit code", async () => {
  const { containerId } = await runtime.startPod("failed", ["sh", "-c", "exit 7"]);
  await until(async () => {
    const { status } = await runtime.client.runtime.containerStatus({ containerId });
    return (status?.finishedAt ?? 0n) > 0n;
  });
  const { stdout } = await dockershim("describe", "failed/main");
  expect(stdout).toMatch(/\n {2}State +Exited\n {2}Exit code +7\n {2}Reason +Error\n/);
});

test("a pod's container is given time to end, and what is stopped is removed", async () => {
  const script = "trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.1; done";
  const { podSandboxId, containerId } = await runtime.startPod("ending", ["sh", "-c", script]);
  await until(async () => (await dockershim("logs", "ending/main")).stdout === "ready\n");
  const running = await dockershim("rm", "ending", "ending/main");
  expect(running).toMatchObject({ stdout: "", code: 1 });
  expect(await dockershim("stop", "ending", "--grace-period", "60s")).toEqual({
    stdout: "pod default/ending stopped\n",
    stderr: "",
    code: 0,
  });
  const { status } = await runtime.client.runtime.containerStatus({ containerId });
  expect(status).toMatchObject({ exitCode: 3 });
  const removed = await dockershim("rm", containerId.slice(0, 12), podSandboxId.slice(0, 12));
  expect(removed.stdout.trimEnd().split("\n").sort()).toEqual([
    "container default/ending/main removed",
    "pod default/ending removed",
  ]);
  expect(await dockershim("rm", "ending")).toMatchObject({ code: 1 });
});

test("an image goes, and one that a container is made of is kept by the engine", async () => {
  const name = `test.invalid/rmi-${process.pid}:1`;
  const archive = join(tmpdir(), `cli-rmi-${process.pid}.tar`);
  await writeFile(archive, imageTarOf(name, {}));
  const engine = ["--docker-endpoint", labVariable("LAB_DOCKER_ENDPOINT")];
  await dockershim("images", "load", archive, ...engine);
  await rm(archive);
  expect(await dockershim("rmi", name)).toEqual({
    stdout: `image ${name} removed\n`,
    stderr: "",
    code: 0,
  });
  expect((await dockershim("images", name, "-q")).stdout).toBe("");

  await runtime.startPod("user");
  expect(await dockershim("rmi", labVariable("LAB_IMAGE"))).toMatchObject({
    stdout: "",
    stderr: expect.stringMatching(/^dockershim: image .*: RemoveImage: .*\n$/),
    code: 1,
  });
});

test("events tell of a pod as it ends", async () => {
  const { containerId } = await runtime.startPod("told");
  const events = startBin(["events"], { CONTAINER_RUNTIME_ENDPOINT: runtime.endpoint });
  let printed = "";
  events.stdout.on("data", (data) => {
    printed += data;
  });
  const ended = once(events, "close");
  // When the stream has begun is not told: what is started again and again is seen at some time.
  for (let attempt = 0; printed === ""; attempt += 1) await runtime.startPod(`other-${attempt}`);
  await dockershim("stop", "told/main", "--grace-period", "0");
  // With no grace the engine sends SIGTERM and SIGKILL, and either may win.
  const stopped = `stopped   ${containerId.slice(0, 13)}   container default/told/main   exit code 1`;
  await until(() => printed.includes(stopped));
  events.kill("SIGINT");
  await ended;
});

test("a pull of what no registry has fails by the image's name", async () => {
  const { stdout, stderr, code } = await dockershim("pull", "127.0.0.1:9/none:1", "--creds", "a:b");
  expect({ stdout, code }).toEqual({ stdout: "", code: 1 });
  expect(stderr).toMatch(/^dockershim: image 127\.0\.0\.1:9\/none:1: PullImage: .*\n$/);
});

test("a container's limits are changed while it runs, and the others stay", async () => {
  const { containerId } = await runtime.startPod("limited");
  expect(await dockershim("update", "limited/main", "--memory", "128Mi", "--cpus", "0.5")).toEqual({
    stdout: "container default/limited/main updated\n",
    stderr: "",
    code: 0,
  });
  await dockershim("update", "limited/main", "--cpus", "0.25");
  const { status } = await runtime.client.runtime.containerStatus({ containerId });
  expect(status?.resources?.linux).toMatchObject({
    cpuQuota: 25_000n,
    memoryLimitInBytes: 134_217_728n,
  });
});

test("a container is joined until it ends", async () => {
  const script =
    "until [ -e /go ]; do echo here; sleep 0.1; done; echo aside >&2; echo gone; exit 3";
  await runtime.startPod("joined", ["sh", "-c", script]);
  const attach = startBin(["attach", "joined"], { CONTAINER_RUNTIME_ENDPOINT: runtime.endpoint });
  const ended = once(attach, "close");
  let [out, err] = ["", ""];
  attach.stderr.on("data", (data) => {
    err += data;
  });
  attach.stdout.on("data", (data) => {
    out += data;
  });
  await until(() => out !== "");
  await dockershim("exec", "joined", "touch", "/go");
  expect(await ended).toEqual([0, null]);
  expect(out).toMatch(/^(here\n)+gone\n$/);
  expect(err).toBe("aside\n");
});

test("a pod runs from files, a container is added to it, and nothing stays of one that cannot", async () => {
  const dir = await mkdtemp(join(tmpdir(), "cli-run-"));
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(dir, name), text);
    return join(dir, name);
  };
  const podOf = (name: string) =>
    file(
      `${name}.yaml`,
      `metadata: {name: ${name}, namespace: filed, uid: ${name}-${process.pid}}\n`,
    );
  const containerOf = (name: string, command: string[]) => {
    const image = { image: labVariable("LAB_IMAGE") };
    return file(
      `${name}.json`,
      JSON.stringify({ metadata: { name }, image, command, log_path: "0.log" }),
    );
  };
  const main = await containerOf("main", ["sleep", "3600"]);
  const pod = await podOf("whole");
  expect(await dockershim("run", pod, main)).toEqual({
    stdout: expect.stringMatching(/^pod filed\/whole runs: [0-9a-f]{64}\n$/),
    stderr: "",
    code: 0,
  });
  expect((await dockershim("ps", "-o", "name", "--pod", "whole")).stdout).toBe(
    "filed/whole/main\n",
  );

  const second = await containerOf("second", ["sleep", "3600"]);
  expect((await dockershim("create", "whole", second, pod)).stdout).toMatch(
    /^container filed\/whole\/second created: [0-9a-f]{64}\n$/,
  );
  expect((await dockershim("start", "whole/second")).code).toBe(0);

  const broken = await containerOf("broken", ["/no/such/program"]);
  expect(await dockershim("run", await podOf("half"), main, broken)).toMatchObject({
    stdout: "",
    stderr: expect.stringMatching(
      /^dockershim: container filed\/half\/broken: StartContainer: .*\n$/,
    ),
    code: 1,
  });
  expect((await dockershim("pods", "--name", "half", "-q")).stdout).toBe("");
  await rm(dir, { recursive: true });
});

test("the daemon's metrics and cgroup driver are told", async () => {
  await runtime.startPod("metered");
  expect((await dockershim("metrics")).stdout).toMatch(
    /^# HELP \S+ .*\n# TYPE \S+ (counter|gauge)\n\S+ /,
  );
  expect((await dockershim("runtime-config")).stdout).toMatch(
    /^Cgroup driver: +(cgroupfs|systemd)\n$/,
  );
});

test("a checkpoint is made where the engine can, and refused with the reason where not", async () => {
  await runtime.startPod("kept");
  const dir = await mkdtemp(join(tmpdir(), "checkpoint-"));
  const location = join(dir, "kept.tar");
  const made = await dockershim("checkpoint", "kept/main", "-e", location);
  // What the lab is with LAB_CRIU=1.
  if (made.code === 0) {
    expect(made.stdout).toBe(`container default/kept/main checkpointed: ${location}\n`);
    expect((await stat(location)).size).toBeGreaterThan(10_000);
  } else {
    expect(made.stderr).toMatch(
      /^dockershim: container default\/kept\/main: CheckpointContainer: .*experimental/,
    );
    expect(await readdir(dir)).toEqual([]);
  }
  await rm(dir, { recursive: true });
});
