import { createDockerClient, type DockerClient } from "@dockershim/docker-client";
import type { CreateContainerBody } from "@dockershim/pod-sandbox";
import { type FakeDocker, startFakeDocker } from "@dockershim/testing";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { pino } from "pino";
import { createContainerNamed } from "../src/engine-work/create-named.js";
import { createOwnership } from "../src/state/ownership.js";
import { createStore, type Store } from "../src/state/store.js";

const name = "k8s_main_web_prod_u1_0";
const log = pino({ level: "silent" });
const { signal } = new AbortController();

function bodyOf(instance: string): CreateContainerBody {
  return {
    Image: "busybox:1",
    Labels: {
      "io.kubernetes.docker.type": "container",
      "io.kubernetes.sandbox.id": "d".repeat(64),
      "io.dockershim.instance": instance,
    },
    Healthcheck: { Test: ["NONE"] },
    HostConfig: { NetworkMode: "none", IpcMode: "shareable", RestartPolicy: { Name: "no" } },
  };
}
const ours = bodyOf("ours");
const inspected = `GET /containers/${name}/json`;

let docker: FakeDocker;
let client: DockerClient;
let store: Store;
/** Ids that were told, for whoever called to undo. */
let told: string[];

beforeEach(async () => {
  docker = await startFakeDocker();
  docker.images.add("busybox:1");
  client = createDockerClient({ endpoint: docker.endpoint });
  store = createStore({
    containers: client.containers,
    owns: createOwnership("ours", { adoptUnlabelled: false }),
    log,
  });
  told = [];
});
afterEach(async () => {
  store.close();
  await client.close();
  await docker.close();
});

const create = (caller = signal, makingMs = 60_000): Promise<string> =>
  createContainerNamed(
    { docker: client, store, log, makingMs },
    { name, body: ours },
    caller,
    (id) => told.push(id),
  );
const names = (): string[] => docker.containers.all().map((container) => container.name);

test("creates under the name, and tells the id", async () => {
  const id = await create();
  expect(docker.containers.get(name).id).toBe(id);
  expect(told).toEqual([id]);
});

test.each(["created", "exited"])("takes the name from one of ours that is %s", async (status) => {
  const before = docker.containers.create(name, ours);
  if (status === "exited") {
    docker.containers.start(before.id);
    docker.containers.exit(before.id, 0);
  }
  await store.refresh(before.id);
  const id = await create();
  expect(names()).toEqual([name]);
  expect(docker.containers.get(name).id).toBe(id);
  expect(store.container(before.id)).toBeUndefined();
  expect(told).toEqual([id]);
});

test("leaves one of ours alone that runs, whatever the store knows of it", async () => {
  const before = docker.containers.create(name, ours);
  await store.refresh(before.id);
  docker.containers.start(before.id);
  await expect(create()).rejects.toMatchObject({
    code: "already_exists",
    message: `container ${name} runs already as ${before.id}`,
  });
  expect(docker.containers.get(before.id).status).toBe("running");
  expect(names()).toEqual([name]);
  expect(told).toEqual([]);
});

test.each([
  ["another daemon's", bodyOf("theirs")],
  ["nobody's", { Image: "busybox:1" }],
])("steps around %s, and leaves it as it is", async (_whose, body) => {
  const before = docker.containers.create(name, body);
  const id = await create();
  expect(docker.containers.get(id).name).toMatch(new RegExp(`^${name}_[\\da-f]{8}$`));
  expect(docker.containers.get(name)).toBe(before);
  expect(told).toEqual([id]);
});

test("takes what was made of requests that reached the engine twice, each time", async () => {
  for (const step of ["POST /containers/create", "POST /containers/create (2)"]) {
    docker.steps.plan(step, { before: () => void docker.containers.create(name, ours) });
  }
  const id = await create();
  expect(names()).toEqual([name]);
  expect(docker.containers.get(name).id).toBe(id);
  expect(told).toEqual([id]);
});

test("takes the name that became free while it looked who has it", async () => {
  docker.containers.create(name, ours);
  docker.steps.plan(inspected, { before: () => docker.containers.remove(name, true) });
  const id = await create();
  expect(docker.containers.get(name).id).toBe(id);
});

test("steps around one of ours that cannot be removed", async () => {
  const before = docker.containers.create(name, ours);
  docker.steps.plan(`DELETE /containers/${name}`, { outcome: "refused" });
  const id = await create();
  expect(names().sort()).toEqual([name, docker.containers.get(id).name]);
  expect(docker.containers.get(name)).toBe(before);
});

const suffixed = `${name}_0000beef`;

test.each([
  ["taken", () => void docker.containers.create(name, bodyOf("theirs"))],
  ["free again", () => {}],
])("replaces what stepped around a name that is %s", async (_now, prepare) => {
  prepare();
  const before = docker.containers.create(suffixed, ours);
  await store.refresh(before.id);
  const id = await create();
  expect(store.record(before.id)).toBeUndefined();
  expect(names().filter((each) => each !== name)).toEqual(
    docker.containers.get(id).name === name ? [] : [docker.containers.get(id).name],
  );
  expect(told).toEqual([id]);
});

test("leaves alone what stepped around the name and runs, whatever the store knows of it", async () => {
  const before = docker.containers.create(suffixed, ours);
  await store.refresh(before.id);
  docker.containers.start(before.id);
  await expect(create()).rejects.toMatchObject({
    code: "already_exists",
    message: `container ${suffixed} runs already as ${before.id}`,
  });
  expect(names()).toEqual([suffixed]);
});

test("makes another beside what stepped around the name and cannot be removed", async () => {
  const before = docker.containers.create(suffixed, ours);
  await store.refresh(before.id);
  docker.steps.plan(`DELETE /containers/${suffixed}`, { outcome: "refused" });
  const id = await create();
  expect(docker.containers.get(id).name).toBe(name);
  expect(docker.containers.get(before.id).status).toBe("created");
});

test("takes the name from one of ours that cannot be inspected, but is listed", async () => {
  docker.containers.create(name, ours);
  for (const step of [inspected, `${inspected} (2)`]) {
    docker.steps.plan(step, { outcome: "refused" });
  }
  const id = await create();
  expect(names()).toEqual([name]);
  expect(docker.containers.get(name).id).toBe(id);
});

test.each([
  ["looked at", [inspected, `${inspected} (2)`], [name]],
  ["read", [`${inspected} (2)`, `${inspected} (3)`], [name]],
  ["removed", [`DELETE /containers/${name}`], []],
])(
  "makes no second one when the engine does not answer as the first is %s",
  async (_what, steps, left) => {
    docker.containers.create(name, ours);
    // The client asks once more by itself what changes nothing.
    for (const step of steps) docker.steps.plan(step, { outcome: "lost" });
    await expect(create()).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining(`the name ${name} is taken`),
    });
    expect(names()).toEqual(left);
    expect(told).toEqual([]);
  },
);

test("waits for what is still being made under the name, and takes the name from it", async () => {
  const before = docker.containers.beginCreation(name, ours);
  docker.steps.plan("POST /containers/create (3)", {
    before: () => docker.containers.finishCreation(before),
  });
  const id = await create();
  expect(names()).toEqual([name]);
  expect(docker.containers.get(name).id).toBe(id);
  expect(told).toEqual([id]);
});

test("takes the name from what was listed before it could be inspected", async () => {
  const before = docker.containers.beginCreation(name, ours);
  await store.refresh(before.id);
  docker.containers.finishCreation(before);
  const id = await create();
  expect(names()).toEqual([name]);
  expect(docker.containers.get(name).id).toBe(id);
});

test("steps around a name that no container has for long", async () => {
  docker.containers.beginCreation(name, ours);
  const id = await create(signal, 200);
  expect(names()).toEqual([docker.containers.get(id).name]);
  expect(docker.containers.get(id).name).not.toBe(name);
});

test.each([
  ["lost", "unavailable"],
  ["hollow", "server_error"],
] as const)("tells what was made when the engine's reply is %s", async (outcome, code) => {
  docker.steps.plan("POST /containers/create", { outcome });
  await expect(create()).rejects.toMatchObject({ code });
  expect(told).toEqual([docker.containers.get(name).id]);
});

test.each([
  ["runs", () => docker.containers.start(docker.containers.create(name, ours).id)],
  ["is another daemon's", () => docker.containers.create(name, bodyOf("theirs"))],
])("does not take for its own what has the name and %s", async (_why, prepare) => {
  prepare();
  docker.steps.plan("POST /containers/create", { outcome: "lost" });
  await expect(create()).rejects.toMatchObject({ code: "unavailable" });
  expect(told).toEqual([]);
});

test("hears of what the engine makes after the caller has left, and tells it", async () => {
  const caller = new AbortController();
  docker.steps.plan("POST /containers/create", { before: () => caller.abort() });
  const id = await create(caller.signal);
  expect(docker.containers.get(name).id).toBe(id);
  expect(told).toEqual([id]);
});

test("asks the engine for nothing more once the caller has left", async () => {
  docker.containers.create(name, bodyOf("theirs"));
  const caller = new AbortController();
  docker.steps.plan(inspected, { before: () => caller.abort() });
  await expect(create(caller.signal)).rejects.toMatchObject({ name: "AbortError" });
  expect(names()).toEqual([name]);
  expect(told).toEqual([]);
});
