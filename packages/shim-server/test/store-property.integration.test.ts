import { ContainerState, PodSandboxState } from "@dockershim/cri-types";
import { until } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { createHarness, type Harness } from "./harness.js";

// Random CRI calls, random Docker commands behind our back and random restarts of the daemon.
// Whenever nothing is under way, what CRI lists must be what Docker has.

let h: Harness;
beforeAll(async () => {
  h = await createHarness({ networkPlugin: "none" });
});
afterAll(() => h.close());

const criStates: Record<string, ContainerState> = {
  created: ContainerState.CONTAINER_CREATED,
  running: ContainerState.CONTAINER_RUNNING,
  paused: ContainerState.CONTAINER_RUNNING,
  restarting: ContainerState.CONTAINER_RUNNING,
};

type State = Record<string, string>;

/**
 * A container that somebody renames stays its pod's as long as the daemon runs. One that starts
 * later cannot tell it from a stranger with the same labels, and leaves it out.
 */
const renamed = new Set<string>();
const leftOut = new Set<string>();

/** What Docker has, in CRI's words, read from Docker alone. */
async function truth(): Promise<State> {
  const state: State = {};
  for (const id of await h.dockerIds()) {
    const inspect = await h.docker.containers.inspect(id).catch(() => undefined);
    if (inspect === undefined || leftOut.has(id)) continue;
    const { Status: status, Running: running, ExitCode: code } = inspect.State;
    if (inspect.Config.Labels?.["io.kubernetes.docker.type"] === "podsandbox") {
      state[id] =
        PodSandboxState[running ? PodSandboxState.SANDBOX_READY : PodSandboxState.SANDBOX_NOTREADY];
    } else {
      const cri = criStates[status] ?? ContainerState.CONTAINER_EXITED;
      const exit = cri === ContainerState.CONTAINER_EXITED ? ` ${code}` : "";
      state[id] =
        `${ContainerState[cri]}${exit} in ${inspect.Config.Labels?.["io.kubernetes.sandbox.id"]}`;
    }
  }
  return state;
}

/** What CRI tells. */
async function told(): Promise<State> {
  const state: State = {};
  const { items } = await h.cri.runtime.listPodSandbox({});
  for (const { id, state: sandbox } of items) state[id] = PodSandboxState[sandbox];
  const { containers } = await h.cri.runtime.listContainers({});
  for (const container of containers) {
    const reply = await h.cri.runtime.containerStatus({ containerId: container.id });
    const cri = reply.status?.state ?? container.state;
    const exit = cri === ContainerState.CONTAINER_EXITED ? ` ${reply.status?.exitCode}` : "";
    state[container.id] = `${ContainerState[cri]}${exit} in ${container.podSandboxId}`;
  }
  return state;
}

async function pick(kind: "podsandbox" | "container", choice: number): Promise<string | undefined> {
  const found: string[] = [];
  for (const id of await h.dockerIds()) {
    const inspect = await h.docker.containers.inspect(id).catch(() => undefined);
    if (inspect?.Config.Labels?.["io.kubernetes.docker.type"] === kind) found.push(id);
  }
  return found.sort()[choice % Math.max(found.length, 1)];
}

const actions: Record<string, (choice: number) => Promise<unknown>> = {
  runPod: () => h.runPod(),
  failingPod: () =>
    h.runPod(undefined, { ...h.containerConfig(), command: ["sh", "-c", "exit 9"] }),
  stopPod: async (n) =>
    h.cri.runtime.stopPodSandbox({ podSandboxId: (await pick("podsandbox", n)) ?? "none" }),
  removePod: async (n) =>
    h.cri.runtime.removePodSandbox({ podSandboxId: (await pick("podsandbox", n)) ?? "none" }),
  stopContainer: async (n) =>
    h.cri.runtime.stopContainer({ containerId: (await pick("container", n)) ?? "none" }),
  removeContainer: async (n) =>
    h.cri.runtime.removeContainer({ containerId: (await pick("container", n)) ?? "none" }),
  dockerKill: async (n) => h.docker.containers.kill((await pick("container", n)) ?? "none"),
  dockerStop: async (n) =>
    h.docker.containers.stop((await pick("container", n)) ?? "none", { timeoutSeconds: 0 }),
  dockerStart: async (n) => h.docker.containers.start((await pick("container", n)) ?? "none"),
  dockerRemove: async (n) =>
    h.docker.containers.remove((await pick("container", n)) ?? "none", { force: true }),
  dockerRename: async (n) => {
    const id = (await pick("container", n)) ?? "none";
    await h.docker.containers.rename(id, `renamed-${n}-${Date.now()}`);
    renamed.add(id);
  },
  dockerKillSandbox: async (n) => h.docker.containers.kill((await pick("podsandbox", n)) ?? "none"),
  restartDaemon: async () => {
    await h.restart();
    for (const id of renamed) leftOut.add(id);
  },
};

const step = fc.record({
  action: fc.constantFrom(...Object.keys(actions)),
  choice: fc.nat(1000),
});

test("after any mixture of CRI calls, Docker commands and restarts CRI tells what Docker has", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 14 }), async (steps) => {
      for (const { action, choice } of steps) {
        // Any of them may be refused; none may leave the two views apart.
        await actions[action]?.(choice).catch(() => undefined);
        const seen: { told?: State; truth?: State } = {};
        await until(async () => {
          seen.told = await told().catch(() => ({}));
          seen.truth = await truth();
          return JSON.stringify(sorted(seen.told)) === JSON.stringify(sorted(seen.truth));
        });
        expect(seen.told).toEqual(seen.truth);
      }
    }),
    { numRuns: Number(process.env.PROPERTY_RUNS ?? 2), endOnFailure: true },
  );
});

function sorted(state: State): [string, string][] {
  return Object.entries(state).sort(([a], [b]) => (a < b ? -1 : 1));
}
