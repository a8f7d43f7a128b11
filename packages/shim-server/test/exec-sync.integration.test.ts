import { until } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createHarness, type Harness } from "./harness.js";

let h: Harness;
let containerId: string;

beforeAll(async () => {
  h = await createHarness();
  ({ containerId } = await h.runPod());
});

afterAll(async () => {
  await h.close();
});

const exec = async (script: string, timeout = 60n) =>
  await h.cri.runtime.execSync({ containerId, cmd: ["sh", "-c", script], timeout });

/** Command lines of all processes in the container, zombies excluded. */
async function commands(id = containerId): Promise<string[]> {
  const { Processes: rows } = await h.docker.containers.top(id, "-eo pid,stat,args");
  return rows.flatMap(([, stat, args]) => (stat?.startsWith("Z") ? [] : [args ?? ""]));
}

const gone = async (marker: string): Promise<boolean> =>
  !(await commands()).some((args) => args.includes(marker));

test("output, errors and the exit code come back apart", async () => {
  const reply = await exec("echo out; echo err >&2; exit 7");
  expect(Buffer.from(reply.stdout).toString()).toBe("out\n");
  expect(Buffer.from(reply.stderr).toString()).toBe("err\n");
  expect(reply.exitCode).toBe(7);
});

// Docker puts a container's labels, its image's among them, over the attributes of its events.
test.each([{ exitCode: "0" }, { execID: "f".repeat(64) }])(
  "a label like %j does not change how a command ended",
  async (labels) => {
    const pod = await h.runPod(undefined, h.containerConfig({ labels }));
    const reply = await h.cri.runtime.execSync({
      containerId: pod.containerId,
      cmd: ["sh", "-c", "sleep 0.2; exit 7"],
      timeout: 10n,
    });
    expect(reply.exitCode).toBe(7);
    await h.cri.runtime.removePodSandbox(pod);
  },
);

test("a command that a signal ended has the shell's exit code for it", async () => {
  expect((await exec("kill -9 $$")).exitCode).toBe(137);
});

test("a command that does not exist fails as in a shell, at once", async () => {
  const reply = await h.cri.runtime.execSync({
    containerId,
    cmd: ["/no/such/thing"],
    timeout: 10n,
  });
  expect([126, 127]).toContain(reply.exitCode);
});

test.each([
  ["of a shell", "sleep 70001", "sleep 70001"],
  ["in the background", "sleep 70002 & wait", "sleep 70002"],
  ["in a session of its own", "setsid sleep 70003 & wait", "sleep 70003"],
  ["that was orphaned by a double fork", "(sleep 70004 &) ; sleep 70004", "sleep 70004"],
  ["orphaned in a session of its own", "(setsid sleep 70005 &) ; sleep 70005", "sleep 70005"],
  ["whose shell ignores signals", "trap '' TERM INT HUP; sleep 70006", "sleep 70006"],
  ["that goes on forking", "while :; do (sleep 70007 &); sleep 0.01; done", "sleep 70007"],
])("at the timeout, a process %s is killed with the command", async (_, script, marker) => {
  await expect(exec(script, 1n)).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  await until(async () => await gone(marker));
  expect(await commands()).toEqual(["sleep 3600"]);
});

test("a command whose caller goes away is killed too", async () => {
  const caller = new AbortController();
  const call = h.cri.runtime.execSync(
    { containerId, cmd: ["sleep", "70010"] },
    { signal: caller.signal },
  );
  call.catch(() => undefined);
  await until(async () => !(await gone("sleep 70010")));
  caller.abort();
  await expect(call).rejects.toMatchObject({ code: "CANCELLED" });
  await until(async () => await gone("sleep 70010"));
});

test("in a pod that shares its process namespace, the other processes stay", async () => {
  const shared = await h.runPod({
    linux: { securityContext: { namespaceOptions: { pid: 0 } } },
  });
  const call = h.cri.runtime.execSync({
    containerId: shared.containerId,
    cmd: ["sh", "-c", "(setsid sleep 70011 &); sleep 70011"],
    timeout: 1n,
  });
  await expect(call).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  await until(async () =>
    (await commands(shared.containerId)).every((args) => !args.includes("70011")),
  );
  expect(await commands(shared.containerId)).toContain("sleep 3600");
});

test("a command ends with its container, also where the engine forgets how it ended", async () => {
  const waiting = await h.runPod(
    { linux: { securityContext: { namespaceOptions: { pid: 0 } } } },
    { command: ["sh", "-c", "while [ ! -e /go ]; do sleep 0.05; done"] },
  );
  const answer = await h.cri.runtime
    .execSync({
      containerId: waiting.containerId,
      cmd: ["sh", "-c", "touch /go; exec sleep 70012"],
    })
    .then(
      ({ exitCode }) => exitCode,
      ({ code, message }) => `${code} ${message}`,
    );
  // Docker 20.10 does not know; later ones say that it was killed.
  expect(answer).toEqual(
    typeof answer === "number" ? 137 : expect.stringMatching(/^FAILED_PRECONDITION .*exit code/),
  );
});

test("output beyond what a reply can hold is dropped, which stderr tells, and the command succeeds", async () => {
  const reply = await exec("head -c 40000000 /dev/zero; head -c 40000000 /dev/zero >&2; exit 5");
  expect(reply.exitCode).toBe(5);
  const size = reply.stdout.length + reply.stderr.length;
  expect(size).toBeLessThanOrEqual(16 * 1024 * 1024);
  expect(size).toBeGreaterThan(16 * 1024 * 1024 - 1024);
  expect(reply.stderr.length).toBeGreaterThan(8 * 1024 * 1024 - 1024);
  expect(Buffer.from(reply.stderr.subarray(-256)).toString()).toMatch(
    /\ndockershim: cut stdout after \d+ of 40000000 bytes and stderr after \d+ of 40000000 bytes: .*\n$/,
  );
});

test("a container that is paused, exited, gone or unknown is refused with the reason", async () => {
  const { containerId: id } = await h.runPod();
  const call = async () => await h.cri.runtime.execSync({ containerId: id, cmd: ["true"] });
  await h.docker.containers.pause(id);
  await until(
    async () =>
      await call().then(
        () => false,
        () => true,
      ),
  );
  await expect(call()).rejects.toMatchObject({
    code: "FAILED_PRECONDITION",
    message: expect.stringContaining("paused"),
  });
  await h.docker.containers.unpause(id);
  await h.cri.runtime.stopContainer({ containerId: id, timeout: 0n });
  await expect(call()).rejects.toMatchObject({
    code: "FAILED_PRECONDITION",
    message: expect.stringContaining("exited"),
  });
  await h.cri.runtime.removeContainer({ containerId: id });
  await expect(call()).rejects.toMatchObject({ code: "NOT_FOUND" });
});
