import { createDockerClient, type DockerClient } from "@dockershim/docker-client";
import { type FakeDocker, startFakeDocker } from "@dockershim/testing";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { pino } from "pino";
import { type StoreRecord, wasStarted } from "../src/state/records.js";
import { createStore, type Store } from "../src/state/store.js";

const inspectStep = "GET /containers/k8s_POD_web_prod_u1_0/json";
let docker: FakeDocker;
let client: DockerClient;
let store: Store;
let id: string;

beforeEach(async () => {
  docker = await startFakeDocker();
  docker.images.add("pause:1");
  client = createDockerClient({ endpoint: docker.endpoint });
  const log = pino({ level: "silent" });
  store = createStore({ containers: client.containers, owns: () => true, log });
  id = docker.containers.create("k8s_POD_web_prod_u1_0", {
    Image: "pause:1",
    Labels: { "io.kubernetes.docker.type": "podsandbox" },
  }).id;
});
afterEach(async () => {
  store.close();
  await client.close();
  await docker.close();
});

const inspects = () => docker.steps.taken.filter((step) => step.startsWith(inspectStep)).length;
const status = () => store.sandbox(id)?.inspect.State.Status;

test("a read that runs and has seen the change is the only one", async () => {
  docker.containers.start(id);
  const ofEvent = store.refresh(id);
  await store.refreshUntil(id, wasStarted);
  expect(status()).toBe("running");
  expect(inspects()).toBe(1);
  await ofEvent;
});

test("a read that runs and came too early is followed by another", async () => {
  const asked: (string | undefined)[] = [];
  docker.steps.plan(inspectStep, { after: () => docker.containers.start(id) });
  const ofEvent = store.refresh(id);
  await store.refreshUntil(id, (record: StoreRecord) => {
    asked.push(record.inspect.State.Status);
    return wasStarted(record);
  });
  expect(asked).toEqual(["created"]);
  expect(status()).toBe("running");
  expect(inspects()).toBe(2);
  await ofEvent;
});

test("what the store knows already is not read again", async () => {
  docker.containers.start(id);
  await store.refresh(id);
  await store.refreshUntil(id, wasStarted);
  expect(inspects()).toBe(1);
});

test("a read that runs and fails is followed by one that counts", async () => {
  docker.containers.start(id);
  docker.steps.plan(inspectStep, { outcome: "refused" });
  const ofEvent = store.refresh(id);
  ofEvent.catch(() => undefined);
  await store.refreshUntil(id, wasStarted);
  expect(status()).toBe("running");
  expect(inspects()).toBe(2);
});

test("a record that the engine's list had to do for is read again", async () => {
  docker.containers.start(id);
  docker.steps.plan(inspectStep, { outcome: "refused" });
  await store.refresh(id).catch(() => undefined);
  expect(store.sandbox(id)?.unread).toBe(true);
  await store.refreshUntil(id, () => true);
  expect(store.sandbox(id)?.unread).toBe(false);
});
