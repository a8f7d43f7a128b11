import { isDeepStrictEqual } from "node:util";
import { ContainerState, PodSandboxState } from "@dockershim/cri-types";
import { DockerError, type DockerErrorCode } from "@dockershim/docker-client";
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

type Kind = "podsandbox" | "container";

/** Does something to one of the sandboxes or containers that CRI tells of, if there is any. */
const to =
  (kind: Kind, act: (id: string) => Promise<unknown>) =>
  async (choice: number): Promise<void> => {
    const found: string[] = [];
    for (const id of await h.dockerIds()) {
      const { Config } = await h.docker.containers.inspect(id);
      if (leftOut.has(id) || Config.Labels?.["io.kubernetes.docker.type"] !== kind) continue;
      found.push(id);
    }
    const id = found.sort()[choice % Math.max(found.length, 1)];
    if (id !== undefined) await act(id);
  };

/** The same behind the daemon's back, where the engine may refuse for some reasons, and for no others. */
const behind = (
  kind: Kind,
  refusals: readonly DockerErrorCode[],
  act: (id: string) => Promise<unknown>,
) =>
  to(kind, async (id) => {
    try {
      await act(id);
    } catch (err) {
      if (!(err instanceof DockerError && refusals.includes(err.code))) throw err;
    }
  });

const runtime = () => h.cri.runtime;
const engine = () => h.docker.containers;

const actions: Record<string, (choice: number) => Promise<unknown>> = {
  runPod: () => h.runPod(),
  failingPod: () =>
    h.runPod(undefined, { ...h.containerConfig(), command: ["sh", "-c", "exit 9"] }),
  stopPod: to("podsandbox", (podSandboxId) => runtime().stopPodSandbox({ podSandboxId })),
  removePod: to("podsandbox", (podSandboxId) => runtime().removePodSandbox({ podSandboxId })),
  stopContainer: to("container", (containerId) => runtime().stopContainer({ containerId })),
  removeContainer: to("container", (containerId) => runtime().removeContainer({ containerId })),
  // Of one that does not run.
  dockerKill: behind("container", ["conflict"], (id) => engine().kill(id)),
  dockerKillSandbox: behind("podsandbox", ["conflict"], (id) => engine().kill(id)),
  dockerStop: behind("container", [], (id) => engine().stop(id, { timeoutSeconds: 0 })),
  // Of one whose sandbox does not run, or is gone.
  dockerStart: behind("container", ["conflict", "not_found", "server_error"], (id) =>
    engine().start(id),
  ),
  dockerRemove: behind("container", [], (id) => engine().remove(id, { force: true })),
  dockerRename: behind("container", [], async (id) => {
    await engine().rename(id, `renamed-${id.slice(0, 12)}-${Date.now()}`);
    renamed.add(id);
  }),
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
        await actions[action]?.(choice);
        let seen: { told?: State | string; truth?: State } = {};
        await until(async () => {
          // A status may be asked for just when its container goes; then it is asked for again.
          seen = { told: await told().catch(String), truth: await truth() };
          return isDeepStrictEqual(seen.told, seen.truth);
        }).catch(() => undefined);
        expect(seen.told).toEqual(seen.truth);
      }
    }),
    { numRuns: Number(process.env.PROPERTY_RUNS ?? 2), endOnFailure: true },
  );
});
