import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { until } from "@dockershim/testing";
import { expect, test } from "@jest/globals";
import { type Scenario, testFailingSteps } from "./failing-steps.js";
import { inWorld, runPod, type World } from "./world.js";

const main = "k8s_main_web_prod_u1_0";
const inEngine = `/containers/${main}`;

interface Request {
  readonly containerId: string;
  readonly location: string;
}

async function prepare(world: World): Promise<Request> {
  const { containerIds } = await runPod(world, ["main"]);
  const folder = join(dirname(world.logs), "archives");
  mkdirSync(folder);
  return { containerId: containerIds[0] as string, location: join(folder, "web.tar") };
}

/** It goes on, and nothing is left but what else was there. */
async function settled(world: World, { location }: Request): Promise<void> {
  const work = join(dirname(world.logs), "checkpoints");
  await until(() => !existsSync(work) || readdirSync(work).length === 0);
  expect(world.docker.containers.get(main).status).toBe("running");
  expect(readdirSync(dirname(location)).filter((name) => name !== "web.tar")).toEqual([]);
}

const scenario: Scenario<Request, Request> = {
  name: "CheckpointContainer",
  steps: 5,
  undoes: false,
  prepare,
  async call({ calls }, request, signal) {
    await calls.checkpointContainer(request, signal);
    return request;
  },
  async failed(world, request) {
    expect(readdirSync(dirname(request.location)).filter((name) => name === "web.tar")).toEqual([]);
    await settled(world, request);
  },
  async done(world, request) {
    await settled(world, request);
    const files = execFileSync("tar", ["tf", request.location], { encoding: "utf8" });
    expect(files.trim().split("\n")).toEqual([
      ...["checkpoint/", "checkpoint/inventory.img", "config.dump", "deleted.files"],
      ...["rootfs-diff.tar", "spec.dump", "status", "status.dump"],
    ]);
    const diff = ["xOf", request.location, "rootfs-diff.tar"];
    expect(execFileSync("tar", ["tf", "-"], { input: execFileSync("tar", diff) }).toString()).toBe(
      "made\n",
    );
  },
};

await testFailingSteps(scenario);

test("the container stands still from before the dump until its files are read", async () => {
  await inWorld(async (world) => {
    const request = await prepare(world);
    world.steps.forget();
    const { containerId } = request;
    for (const step of ["POST checkpoints", "GET changes", "GET export"]) {
      const [method, rest] = step.split(" ");
      world.steps.plan(`${method} ${inEngine}/${rest}`, {
        before: () => expect(world.docker.containers.get(containerId).status).toBe("paused"),
      });
    }
    await world.calls.checkpointContainer(request);
    expect(world.steps.taken).toContain(`GET ${inEngine}/export`);
    await settled(world, request);
  });
});

test("one at a time, of each container", async () => {
  await inWorld(async (world) => {
    const request = await prepare(world);
    world.steps.forget();
    const dumping = Promise.withResolvers<void>();
    world.steps.plan(`POST ${inEngine}/checkpoints`, { before: () => dumping.promise });
    const first = world.calls.checkpointContainer(request);
    await until(() => world.steps.taken.includes(`POST ${inEngine}/checkpoints`));
    await expect(world.calls.checkpointContainer(request)).rejects.toMatchObject({
      message: expect.stringContaining("container_id: a checkpoint of it is under way"),
    });
    dumping.resolve();
    await first;
    await world.calls.checkpointContainer(request);
  });
});

test("a container that does not go on at first goes on later", async () => {
  await inWorld(async (world) => {
    const request = await prepare(world);
    world.steps.forget();
    world.steps.plan(`POST ${inEngine}/unpause`, { outcome: "refused" });
    world.steps.plan(`POST ${inEngine}/unpause (2)`, { outcome: "refused" });
    await expect(world.calls.checkpointContainer(request)).rejects.toMatchObject({
      message: expect.stringContaining("does not let the container go on"),
    });
    expect(world.docker.containers.get(main).status).toBe("paused");
    await until(() => world.docker.containers.get(main).status === "running");
    await settled(world, request);
    expect(existsSync(request.location)).toBe(false);
    await world.calls.checkpointContainer(request);
  });
});

test("a container that somebody has paused stays so", async () => {
  await inWorld(async (world) => {
    const request = await prepare(world);
    world.docker.containers.pause(main);
    await expect(world.calls.checkpointContainer(request)).rejects.toMatchObject({
      message: expect.stringContaining("container_id: somebody has paused the container"),
    });
    await setImmediate();
    expect(world.docker.containers.get(main).status).toBe("paused");
  });
});

test("a timeout ends the call; the engine's part is waited for behind it", async () => {
  await inWorld(async (world) => {
    const request = await prepare(world);
    world.steps.forget();
    const dumping = Promise.withResolvers<void>();
    world.steps.plan(`POST ${inEngine}/checkpoints`, { before: () => dumping.promise });
    await expect(
      world.calls.checkpointContainer({ ...request, timeout: 1n }),
    ).rejects.toMatchObject({
      message: expect.stringContaining("timeout: not complete after 1 s"),
    });
    expect(world.docker.containers.get(main).status).toBe("paused");
    dumping.resolve();
    await until(() => world.docker.containers.get(main).status === "running");
    await settled(world, request);
    expect(existsSync(request.location)).toBe(false);
  });
});

test("what an earlier daemon was in the middle of is ended", async () => {
  await inWorld(async (world) => {
    const request = await prepare(world);
    const draft = join(dirname(request.location), ".dockershim-1.tmp");
    const work = join(world.parts.checkpoints.directory, request.containerId);
    mkdirSync(join(work, "parts", "checkpoint"), { recursive: true });
    writeFileSync(join(work, "draft"), draft);
    writeFileSync(draft, "half");
    world.docker.containers.pause(main);
    await world.parts.checkpoints.recover();
    await settled(world, request);
    await world.calls.checkpointContainer(request);
  });
});

test("the end of the daemon ends a checkpoint, and the container goes on", async () => {
  await inWorld(async (world) => {
    const request = await prepare(world);
    world.steps.forget();
    const dumping = Promise.withResolvers<void>();
    world.steps.plan(`POST ${inEngine}/checkpoints`, { before: () => dumping.promise });
    const call = world.calls.checkpointContainer(request);
    const refused = expect(call).rejects.toMatchObject({
      message: expect.stringContaining("the daemon is ending"),
    });
    await until(() => world.steps.taken.includes(`POST ${inEngine}/checkpoints`));
    const closed = world.parts.checkpoints.close();
    await refused;
    dumping.resolve();
    await closed;
    await settled(world, request);
  });
});

test("a link at the location is refused, not followed", async () => {
  await inWorld(async (world) => {
    const request = await prepare(world);
    const target = join(dirname(world.logs), "target");
    writeFileSync(target, "mine");
    symlinkSync(target, request.location);
    await expect(world.calls.checkpointContainer(request)).rejects.toMatchObject({
      message: expect.stringContaining("is there, and no regular file"),
    });
    expect(statSync(target).size).toBe(4);
    expect(world.docker.containers.get(main).status).toBe("running");
  });
});

test.each([
  ["", /location: must not be empty/],
  ["relative.tar", /location: "relative.tar" must be an absolute path/],
  ["/tmp/../etc/x.tar", /location: .* must not have '..' in it/],
  ["/tmp/", /location: "\/tmp\/" must be the path of a file/],
  ["/nonexistent/x.tar", /location: \/nonexistent is not there/],
  ["/dev/null", /location: \/dev\/null is there, and no regular file/],
  ["/etc/passwd/x.tar", /location: \/etc\/passwd is no folder/],
])("the location %j is refused before anything is done", async (location, reason) => {
  await inWorld(async (world) => {
    const { containerId } = await prepare(world);
    world.steps.forget();
    await expect(world.calls.checkpointContainer({ containerId, location })).rejects.toMatchObject({
      message: expect.stringMatching(reason),
    });
    expect(world.steps.taken).toEqual([]);
  });
});
