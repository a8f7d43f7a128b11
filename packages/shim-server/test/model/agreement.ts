import { isDeepStrictEqual } from "node:util";
import { ContainerEventType, ContainerState, PodSandboxState } from "@dockershim/cri-types";
import { until } from "@dockershim/testing";
import { expect } from "@jest/globals";
import type { Reference } from "./reference.js";
import type { System } from "./system.js";

/** All that is told of pods and containers, by id. */
type Told = Record<string, string>;

/** How CRI tells of a container in a state of the model. Who is killed, or stopped without grace, ends of SIGKILL. */
const tellings = {
  created: "created 0",
  running: "running 0",
  exited: "exited 137",
  failed: "exited 128",
};

const containerStates = {
  [ContainerState.CONTAINER_CREATED]: "created",
  [ContainerState.CONTAINER_RUNNING]: "running",
  [ContainerState.CONTAINER_EXITED]: "exited",
  [ContainerState.CONTAINER_UNKNOWN]: "unknown",
};

/** What the model allows the lists and statuses to tell. */
function allowed({ pods, containers }: Reference): Told {
  const told: Told = {};
  for (const { id, key, ready } of pods.values()) {
    told[id] = `pod ${key} ${ready ? "ready" : "not ready"}`;
  }
  for (const { id, name, podId, state } of containers.values()) {
    told[id] = `container ${name} of ${podId} ${tellings[state]}`;
  }
  return told;
}

async function toldBy({ calls }: System): Promise<Told> {
  const told: Told = {};
  for (const { id, metadata, state } of (await calls.listPodSandbox({})).items) {
    const ready = state === PodSandboxState.SANDBOX_READY;
    told[id] = `pod ${metadata?.name} ${ready ? "ready" : "not ready"}`;
  }
  for (const { id, podSandboxId, metadata, state } of (await calls.listContainers({})).containers) {
    const { status } = await calls.containerStatus({ containerId: id });
    expect(status?.state).toBe(state);
    const { name } = metadata ?? {};
    // A stop without grace sends SIGTERM just before, which may have ended it by then.
    const code = status?.exitCode === 143 ? 137 : status?.exitCode;
    told[id] = `container ${name} of ${podSandboxId} ${containerStates[state]} ${code}`;
  }
  return told;
}

/** What the engine has, as far as the model can tell it. */
function engineOf({ pods, containers }: Reference): Told {
  const running = (ready: boolean) => (ready ? "running" : "exited");
  return Object.fromEntries([
    ...[...pods.values()].map(({ id, ready }) => [id, running(ready)]),
    ...[...containers.values()].map(({ id, state }) => [
      id,
      state === "failed" ? "created" : state,
    ]),
  ]);
}

/** Waits until the daemon tells what the model allows, and the engine has no more and no less. */
export async function expectAgreement(model: Reference, system: System): Promise<void> {
  const expected = { told: allowed(model), engine: engineOf(model) };
  let seen: unknown;
  const agree = async (): Promise<boolean> => {
    // A status may be asked for just when its container goes; then it is asked for again.
    const told = await toldBy(system).catch(String);
    seen = { told, engine: await system.truth() };
    return isDeepStrictEqual(seen, expected);
  };
  await until(agree, { deadlineMs: 10_000 }).catch(() => undefined);
  expect(seen).toEqual(expected);
  await expectNetwork(model, system);
  expectEvents(model, system);
}

/** A ready pod is on the network; what is no pod's any more is given back, be it by and by. */
async function expectNetwork({ pods }: Reference, system: System): Promise<void> {
  let attached: readonly string[] = [];
  await until(
    async () => {
      attached = await system.attached();
      return attached.every((id) => pods.has(id));
    },
    { deadlineMs: 10_000 },
  ).catch(() => undefined);
  for (const id of attached) expect([...pods.keys()]).toContain(id);
  for (const { id, ready } of pods.values()) if (ready) expect(attached).toContain(id);
}

const { CONTAINER_CREATED_EVENT, CONTAINER_STARTED_EVENT } = ContainerEventType;
const { CONTAINER_STOPPED_EVENT, CONTAINER_DELETED_EVENT } = ContainerEventType;
const order = [
  CONTAINER_CREATED_EVENT,
  CONTAINER_STARTED_EVENT,
  CONTAINER_STOPPED_EVENT,
  CONTAINER_DELETED_EVENT,
];

/** Each container's events come in the order of its life, none twice, and the last is what it is now. */
function expectEvents({ pods, containers }: Reference, { events }: System): void {
  const last = new Map<string, ContainerEventType>();
  for (const { containerId: id, containerEventType: type } of events) {
    const before = last.get(id);
    expect(order.indexOf(type)).toBeGreaterThan(before === undefined ? -1 : order.indexOf(before));
    last.set(id, type);
  }
  for (const [id, type] of last) {
    const pod = pods.get(id);
    const state = containers.get(id)?.state ?? (pod && (pod.ready ? "running" : "exited"));
    const now = {
      created: CONTAINER_CREATED_EVENT,
      failed: CONTAINER_CREATED_EVENT,
      running: CONTAINER_STARTED_EVENT,
      exited: CONTAINER_STOPPED_EVENT,
      gone: CONTAINER_DELETED_EVENT,
    }[state ?? "gone"];
    expect([id, type]).toEqual([id, now]);
  }
}

/** Ends all that is listed, as a kubelet would, and looks for what is left. */
export async function expectNothingLeft({ calls, truth, attached }: System): Promise<void> {
  // Of a pod that was removed behind the daemon's back only its containers are listed.
  for (const { id } of (await calls.listContainers({})).containers) {
    await calls.removeContainer({ containerId: id });
  }
  for (const { id } of (await calls.listPodSandbox({})).items) {
    await calls.stopPodSandbox({ podSandboxId: id });
    await calls.removePodSandbox({ podSandboxId: id });
  }
  expect(await truth()).toEqual({});
  await until(async () => (await attached()).length === 0, { deadlineMs: 10_000 });
}
