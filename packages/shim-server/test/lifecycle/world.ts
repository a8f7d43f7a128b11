import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ContainerConfigSchema, PodSandboxConfigSchema } from "@dockershim/cri-types";
import {
  createFakeNetwork,
  createSteps,
  type FakeDocker,
  type FakeNetwork,
  type Steps,
  startFakeDocker,
  until,
} from "@dockershim/testing";
import { type HandlerOptions, type Handlers, openHandlers } from "./handlers.js";

/**
 * The daemon's lifecycle handlers with its real engine client, store and event feed, on an engine
 * and a pod network in memory. Nothing needs root.
 */
export interface World extends Handlers {
  readonly docker: FakeDocker;
  readonly network: FakeNetwork;
  /** What the engine and the network are asked for, in order. */
  readonly steps: Steps;
  /** Where NRI plugins connect. */
  readonly nriSocket: string;
  /** The directory of the pods' logs. */
  readonly logs: string;
  /** The store and the engine, each container by its name with its state: equal in the end. */
  known(): Record<string, string>;
  actual(): Record<string, string>;
  /** Lets events out, which were held so far, and waits until the store agrees with the engine. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

/** @param nri Whether NRI plugins can connect; default not. */
export async function openWorld({
  auditMs,
  nri = false,
}: Pick<HandlerOptions, "auditMs"> & { nri?: boolean } = {}): Promise<World> {
  const root = mkdtempSync(join(tmpdir(), "world-"));
  const steps = createSteps();
  const docker = await startFakeDocker(steps);
  docker.images.add("busybox:1");
  const network = createFakeNetwork(steps);
  const nriSocket = nri ? join(root, "nri.sock") : "";
  const handlers = await openHandlers({ docker, network, root }, { auditMs, nriSocket });
  const { store } = handlers;
  // What a call writes it reads by itself; what else is read meanwhile would be counted as its steps.
  docker.events.hold();

  const known = (): Record<string, string> =>
    Object.fromEntries(
      [...store.sandboxes(), ...store.containers()].map(({ name, inspect }) => [
        name,
        inspect.State.Status,
      ]),
    );
  const actual = (): Record<string, string> =>
    Object.fromEntries(docker.containers.all().map(({ name, status }) => [name, status]));
  return {
    docker,
    network,
    steps,
    ...handlers,
    nriSocket,
    logs: join(root, "pods"),
    known,
    actual,
    async settle() {
      docker.events.release();
      const sorted = (states: Record<string, string>) =>
        JSON.stringify(Object.entries(states).sort());
      await until(() => sorted(known()) === sorted(actual()));
    },
    async close() {
      await handlers.close();
      await docker.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Does something in a world of its own. */
export async function inWorld<T>(work: (world: World) => Promise<T>): Promise<T> {
  const world = await openWorld();
  try {
    return await work(world);
  } finally {
    await world.close();
  }
}

/** A pod with a resolv.conf of its own. */
export function sandboxConfig({ logs }: Pick<World, "logs">, name = "web") {
  return {
    metadata: { name, namespace: "prod", uid: "u1", attempt: 0 },
    logDirectory: logs,
    dnsConfig: { servers: ["10.96.0.10"] },
    linux: {},
  } satisfies MessageInitShape<typeof PodSandboxConfigSchema>;
}

/** A container of it with a limit that Docker has no option for. */
export function containerConfig(name = "main") {
  return {
    metadata: { name, attempt: 0 },
    image: { image: "busybox:1" },
    command: ["sleep", "3600"],
    logPath: `${name}.log`,
    linux: { resources: { unified: { "memory.high": "1000000" } } },
  } satisfies MessageInitShape<typeof ContainerConfigSchema>;
}

/** Runs the pod, with so many containers of it started. */
export async function runPod(
  world: World,
  started: readonly string[] = [],
  pod = "web",
): Promise<{ podSandboxId: string; containerIds: string[] }> {
  const { calls } = world;
  const config = sandboxConfig(world, pod);
  const { podSandboxId } = await calls.runPodSandbox({ config });
  const containerIds: string[] = [];
  for (const name of started) {
    const { containerId } = await calls.createContainer({
      podSandboxId,
      sandboxConfig: config,
      config: containerConfig(name),
    });
    await calls.startContainer({ containerId });
    containerIds.push(containerId);
  }
  return { podSandboxId, containerIds };
}
