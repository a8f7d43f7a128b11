import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { startBin, startBinWithInput } from "./dockershim-bin.js";
import { startRealRuntime } from "./real-runtime.js";

// The whole way: this command, our daemon, a real Docker engine, a real container.

let runtime: Awaited<ReturnType<typeof startRealRuntime>>;
let podSandboxId: string;

beforeAll(async () => {
  runtime = await startRealRuntime();
  ({ podSandboxId } = await runtime.startPod("web"));
});
afterAll(() => runtime.close());

const dockershim = (...args: string[]) => runtime.dockershim(...args);

test("a pod and its container are listed", async () => {
  const pods = await dockershim("pods", "-o", "json");
  expect(JSON.parse(pods.stdout)).toMatchObject({
    items: [{ id: podSandboxId, state: "SANDBOX_READY", metadata: { name: "web" } }],
  });
  const { stdout } = await dockershim("ps");
  expect(stdout).toMatch(/ Running +main +0 .* default\/web\n$/);
});

test("a command runs in the container and its exit code comes back", async () => {
  const { stdout, stderr, code } = await dockershim(
    ...["exec", "web/main", "--"],
    ...["sh", "-c", "until [ -e /ready ]; do sleep 0.1; done; hostname; echo e >&2; exit 3"],
  );
  expect({ stdout, stderr, code }).toEqual({ stdout: "web\n", stderr: "e\n", code: 3 });
});

test("a command reads this command's input, and its output comes while it runs", async () => {
  const exec = startBinWithInput(
    ["exec", "-i", "web/main", "--", "sh", "-c", "cat; echo e >&2; exit 4"],
    {
      CONTAINER_RUNTIME_ENDPOINT: runtime.endpoint,
    },
  );
  let [out, err] = ["", ""];
  exec.stderr.on("data", (data) => {
    err += data;
  });
  exec.stdout.on("data", (data) => {
    out += data;
  });
  exec.stdin.write("first ");
  await once(exec.stdout, "data");
  exec.stdin.end("second");
  expect(await once(exec, "close")).toEqual([4, null]);
  expect({ out, err }).toEqual({ out: "first second", err: "e\n" });
});

test("all of a command's output comes, also what ExecSync could not hold", async () => {
  const { stdout, code } = await dockershim(
    ...["exec", "web/main", "--", "sh", "-c", "head -c 40000000 /dev/zero | tr '\\0' x; exit 6"],
  );
  expect({ length: stdout.length, code }).toEqual({ length: 40_000_000, code: 6 });
});

test("a command that goes on when this one is killed is ended", async () => {
  const exec = startBin(["exec", "web/main", "--", "sh", "-c", "echo ready; exec sleep 72001"], {
    CONTAINER_RUNTIME_ENDPOINT: runtime.endpoint,
  });
  await once(exec.stdout, "data");
  exec.kill("SIGKILL");
  await once(exec, "close");
  for (;;) {
    const { stdout } = await dockershim("exec", "web/main", "pgrep", "-f", "sleep 72001");
    if (stdout === "") break;
  }
});

test("a command gets a terminal of its own", async () => {
  const { stdout, code } = await dockershim("exec", "-t", "web/main", "tty");
  expect({ stdout, code }).toEqual({
    stdout: expect.stringMatching(/^\/dev\/pts\/\d+\r\n$/),
    code: 0,
  });
});

test("a log is followed until the container ends", async () => {
  const follower = startBin(["logs", "-f", "main"], {
    CONTAINER_RUNTIME_ENDPOINT: runtime.endpoint,
  });
  let [out, err] = ["", ""];
  follower.stderr.on("data", (data) => {
    err += data;
  });
  follower.stdout.on("data", (data) => {
    out += data;
  });
  await once(follower.stdout, "data");
  const { containers } = await runtime.client.runtime.listContainers({ filter: { podSandboxId } });
  await runtime.client.runtime.stopContainer({ containerId: containers[0]?.id ?? "", timeout: 0n });
  expect(await once(follower, "close")).toEqual([0, null]);
  expect({ out, err }).toEqual({ out: "out\n", err: "err\n" });
});

test("what the host does not permit any pod is told once, not for each", async () => {
  await runtime.startPod("another");
  expect(runtime.daemonLog.filter((line) => line.includes("oom_score_adj"))).toEqual([
    expect.stringContaining('"level":"warn"'),
  ]);
});

test("the runtime tells that it is ready", async () => {
  const { stdout } = await dockershim("info");
  expect(stdout).toMatch(/RuntimeReady +True/);
});
