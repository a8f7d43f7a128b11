import { ContainerState } from "@dockershim/cri-types";
import {
  type ContainerInspect,
  type ContainerSummary,
  DockerError,
} from "@dockershim/docker-client";
import { until } from "@dockershim/testing";
import { afterEach, describe, expect, test } from "@jest/globals";
import { pino } from "pino";
import { createStore, type Store } from "../src/state/store.js";

const [hung, healthy] = ["a".repeat(64), "b".repeat(64)] as const;
const labels = {
  "io.kubernetes.docker.type": "container",
  "io.kubernetes.sandbox.id": "d".repeat(64),
};

type State = "created" | "running" | "exited";

/** An engine with two containers, one of which it may refuse to let be inspected. */
function createEngine(state: State = "running") {
  const states: Record<string, State> = { [hung]: state, [healthy]: "running" };
  const inspectOf = (id: string): ContainerInspect =>
    ({
      Id: id,
      Name: `/k8s_${id.slice(0, 4)}_web_prod_u1_0`,
      Created: "2026-01-01T00:00:00Z",
      Image: `sha256:${"e".repeat(64)}`,
      Config: { Labels: labels, Image: "busybox" },
      HostConfig: {},
      Mounts: [],
      State: {
        Status: states[id],
        Running: states[id] === "running",
        Pid: 0,
        ExitCode: states[id] === "exited" ? 3 : 0,
        StartedAt: "2026-01-01T00:00:01Z",
        FinishedAt: states[id] === "exited" ? "2026-01-01T00:00:02Z" : "0001-01-01T00:00:00Z",
      },
    }) as unknown as ContainerInspect;
  const summaryOf = (id: string): ContainerSummary => ({
    Id: id,
    Names: [`/k8s_${id.slice(0, 4)}_web_prod_u1_0`],
    Image: "busybox",
    ImageID: `sha256:${"e".repeat(64)}`,
    Command: "sleep",
    Created: 1_767_225_600,
    Ports: null,
    Labels: labels,
    State: states[id] as State,
    Status: states[id] === "exited" ? "Exited (3) 2 minutes ago" : "Up 2 minutes",
    HostConfig: { NetworkMode: "none" },
    NetworkSettings: null,
    Mounts: null,
  });
  const engine = {
    states,
    /** How an inspect of the one container fails; undefined for an answer. */
    failure: undefined as (() => Promise<never>) | undefined,
    /** Awaited before an inspect is answered. */
    before: async (): Promise<void> => undefined,
    inspects: 0,
  };
  const store = createStore({
    containers: {
      inspect: async (id) => {
        engine.inspects++;
        await engine.before();
        if (id === hung && engine.failure !== undefined) return await engine.failure();
        return inspectOf(id);
      },
      list: async ({ filters } = {}) =>
        Object.keys(states)
          .filter((id) => filters?.id === undefined || filters.id.includes(id))
          .map(summaryOf),
    },
    owns: () => true,
    log: pino({ level: "silent" }),
    patienceMs: 20,
    retryMs: { firstMs: 5, mostMs: 10 },
  });
  return { engine, store };
}

function engineError(code: DockerError["code"], status: number, engineMessage: string) {
  return new DockerError({ code, status, engineMessage, operation: "container inspect" });
}

const never = (): Promise<never> => new Promise(() => undefined);
const refused = async (): Promise<never> => {
  throw engineError("server_error", 500, "no such layer");
};

let store: Store;
afterEach(() => store.close());
const stateOf = (id: string) => store.container(id)?.item.state;

describe.each([
  ["is never answered", never],
  ["fails", refused],
])("a container whose inspect %s", (_how, failure) => {
  test.each<[State, ContainerState]>([
    ["created", ContainerState.CONTAINER_CREATED],
    ["running", ContainerState.CONTAINER_RUNNING],
    ["exited", ContainerState.CONTAINER_EXITED],
  ])("does not keep the others from being served, and is known as %s", async (state, known) => {
    const made = createEngine(state);
    store = made.store;
    made.engine.failure = failure;
    await store.resync({ full: true });
    expect(stateOf(healthy)).toBe(ContainerState.CONTAINER_RUNNING);
    expect(stateOf(hung)).toBe(known);
    expect(store.container(hung)).toMatchObject({
      unread: true,
      inspect: { State: { Pid: 0, ExitCode: state === "exited" ? 3 : 0 } },
    });
    expect(store.unread).toBe(1);
    expect(store.unreadNames()).toEqual([store.container(hung)?.name]);
  });
});

test("a container that could not be read is tried again, and then known as others are", async () => {
  const made = createEngine();
  store = made.store;
  made.engine.failure = refused;
  await store.resync({ full: true });
  const before = made.engine.inspects;
  await until(() => made.engine.inspects > before + 2);
  expect(store.container(hung)?.unread).toBe(true);
  made.engine.failure = undefined;
  await until(() => store.container(hung)?.unread === false);
  expect(store.unread).toBe(0);
});

test("who asked for the read is told that it failed, and the list has the new state", async () => {
  const made = createEngine();
  store = made.store;
  await store.resync({ full: true });
  made.engine.states[hung] = "exited";
  made.engine.failure = refused;
  await expect(store.refresh(hung)).rejects.toMatchObject({ code: "server_error" });
  expect(stateOf(hung)).toBe(ContainerState.CONTAINER_EXITED);
});

test("a read that is cut is made again, though nothing else is", async () => {
  const made = createEngine();
  store = made.store;
  await store.resync({ full: true });
  made.engine.states[hung] = "exited";
  made.engine.failure = async () => {
    made.engine.failure = undefined;
    throw new DockerError({
      code: "unavailable",
      engineMessage: "socket hang up",
      operation: "container inspect",
    });
  };
  await expect(store.refresh(hung)).rejects.toMatchObject({ code: "unavailable" });
  await until(() => stateOf(hung) === ContainerState.CONTAINER_EXITED);
});

test("a container that the engine wrongly called gone comes back with the next comparison", async () => {
  const made = createEngine();
  store = made.store;
  await store.resync({ full: true });
  made.engine.failure = async () => {
    throw engineError("not_found", 404, "No such container");
  };
  await store.refresh(hung);
  expect(store.container(hung)).toBeUndefined();
  made.engine.failure = undefined;
  await store.resync();
  expect(stateOf(hung)).toBe(ContainerState.CONTAINER_RUNNING);
});

test("a container that is listed before it can be inspected is known once it can", async () => {
  const made = createEngine();
  store = made.store;
  made.engine.failure = async () => {
    throw engineError("not_found", 404, "No such container");
  };
  await store.resync({ full: true });
  expect(store.container(hung)).toBeUndefined();
  made.engine.failure = undefined;
  await store.refresh(hung);
  expect(stateOf(hung)).toBe(ContainerState.CONTAINER_RUNNING);
});

test("a read that began before a container was gone does not bring it back, also not for a second time", async () => {
  const made = createEngine();
  store = made.store;
  store.forget(hung);
  const answered = Promise.withResolvers<void>();
  made.engine.before = () => answered.promise;
  const read = store.refresh(hung);
  store.forget(hung);
  answered.resolve();
  await read;
  expect(store.container(hung)).toBeUndefined();
});
