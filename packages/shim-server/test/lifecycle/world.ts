import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type ContainerConfigSchema,
  CreateContainerRequestSchema,
  type PodSandboxConfigSchema,
  RemoveContainerRequestSchema,
  RemovePodSandboxRequestSchema,
  RunPodSandboxRequestSchema,
  StartContainerRequestSchema,
  StopContainerRequestSchema,
  StopPodSandboxRequestSchema,
} from "@dockershim/cri-types";
import type { CgroupWrite } from "@dockershim/pod-sandbox";
import {
  createFakeNetwork,
  createSteps,
  type FakeDocker,
  type FakeNetwork,
  type Steps,
  startFakeDocker,
  until,
} from "@dockershim/testing";
import { pino } from "pino";
import { createCloserStack } from "../../src/async/closer-stack.js";
import { createEnginePull } from "../../src/image/engine-pull.js";
import { createImageAccounts } from "../../src/image/image-accounts.js";
import { createImageFiles } from "../../src/image/image-files.js";
import { createPauseImage } from "../../src/image/pause-image.js";
import { defaultShimOptions, type ShimOptions } from "../../src/options.js";
import { createContainerCreate } from "../../src/pods/container-create.js";
import { createContainerRemove } from "../../src/pods/container-remove.js";
import { createContainerStart } from "../../src/pods/container-start.js";
import { createContainerStop } from "../../src/pods/container-stop.js";
import { createSandboxRemove } from "../../src/pods/sandbox-remove.js";
import { createSandboxRun } from "../../src/pods/sandbox-run.js";
import { createSandboxStop } from "../../src/pods/sandbox-stop.js";
import { toConnectError } from "../../src/server/error-mapping.js";
import { type EngineParts, openEngine } from "../../src/start/open-engine.js";
import { type EventFeed, startEventFeed } from "../../src/state/event-feed.js";
import type { Store } from "../../src/state/store.js";
import { createObservers } from "../../src/telemetry/observers.js";

/**
 * The daemon's lifecycle handlers with its real engine client, store and event feed, on an engine
 * and a pod network in memory. Nothing needs root.
 */
export interface World {
  readonly docker: FakeDocker;
  readonly network: FakeNetwork;
  /** What the engine and the network are asked for, in order. */
  readonly steps: Steps;
  readonly store: Store;
  readonly feed: EventFeed;
  /** What the handlers are made of. */
  readonly parts: Parts;
  /** Processes that were given limits by way of their cgroups, by pid. */
  readonly limited: ReadonlyMap<number, readonly CgroupWrite[]>;
  /** Has the kernel refuse all limits from now on, in the words of what is given. */
  refuseLimits(refusal: (pid: number) => Error): void;
  readonly calls: Calls;
  /** The directory of the pods' logs. */
  readonly logs: string;
  /** The store and the engine, each container by its name with its state: equal in the end. */
  known(): Record<string, string>;
  actual(): Record<string, string>;
  /** Lets events out, which were held so far, and waits until the store agrees with the engine. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

/** The calls under test; each fails with the error that its caller would be sent. */
export type Calls = ReturnType<typeof callsOf>;

/** @param auditMs How often the store is compared with the engine for no reason; default never. */
export async function openWorld({ auditMs }: { auditMs?: number } = {}): Promise<World> {
  const root = mkdtempSync(join(tmpdir(), "world-"));
  const steps = createSteps();
  const docker = await startFakeDocker(steps);
  docker.images.add("busybox:1");
  const network = createFakeNetwork(steps);
  const limited = new Map<number, readonly CgroupWrite[]>();
  let refuse: ((pid: number) => Error) | undefined;
  const log = pino({ level: process.env.SHIM_LOG ?? "silent" });
  const options: ShimOptions = {
    ...defaultShimOptions,
    rootDir: root,
    dockerEndpoint: docker.endpoint,
    logMode: "docker",
    restrictOomScoreAdj: "false",
  };
  const closers = createCloserStack(log, 60_000);
  const observers = createObservers(undefined, undefined);
  const engine = openEngine(options, { instance: "world", observers, log }, closers);
  const { images, store } = engine;
  const feed = startEventFeed({
    ...engine,
    log,
    onSynced: () => undefined,
    ...(auditMs === undefined ? {} : { auditMs }),
  });
  closers.push("the event feed", () => feed.stop());
  const imageFiles = createImageFiles(engine.docker, "world", log);
  const pull = createEnginePull({ docker: engine.docker, images, options, log });
  const parts: Parts = {
    ...engine,
    network,
    imageFiles,
    imageAccounts: createImageAccounts(imageFiles),
    pauseImage: createPauseImage(options, { ...engine, pull, log }),
    cgroupLimits: {
      async apply({ inspect }, writes) {
        const { Pid: pid } = inspect.State;
        const refusal = refuse?.(pid);
        if (refusal !== undefined) throw refusal;
        limited.set(pid, writes);
      },
    },
    options,
    instance: "world",
    log,
  };
  const calls = callsOf(parts);
  await feed.firstContact;
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
    store,
    feed,
    parts,
    limited,
    refuseLimits(refusal) {
      refuse = refusal;
    },
    calls,
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
      await closers.close();
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

type Parts = EngineParts &
  Parameters<typeof createSandboxRun>[0] &
  Parameters<typeof createContainerCreate>[0] &
  Parameters<typeof createContainerStart>[0];

type Message<Schema extends Parameters<typeof create>[0]> = MessageInitShape<Schema>;

function callsOf(parts: Parts) {
  /** As the server calls a handler. */
  function call<Schema extends Parameters<typeof create>[0], Reply>(
    schema: Schema,
    handler: (request: never, call: { signal: AbortSignal }) => Promise<Reply>,
  ): (request: Message<Schema>, signal?: AbortSignal) => Promise<Reply> {
    return async (request, signal = new AbortController().signal) => {
      try {
        return await handler(create(schema, request as never) as never, { signal });
      } catch (err) {
        throw toConnectError(err, signal);
      }
    };
  }
  return {
    runPodSandbox: call(RunPodSandboxRequestSchema, createSandboxRun(parts)),
    stopPodSandbox: call(StopPodSandboxRequestSchema, createSandboxStop(parts)),
    removePodSandbox: call(RemovePodSandboxRequestSchema, createSandboxRemove(parts)),
    createContainer: call(CreateContainerRequestSchema, createContainerCreate(parts)),
    startContainer: call(StartContainerRequestSchema, createContainerStart(parts)),
    stopContainer: call(StopContainerRequestSchema, createContainerStop(parts)),
    removeContainer: call(RemoveContainerRequestSchema, createContainerRemove(parts)),
  };
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
