import { join } from "node:path";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  CheckpointContainerRequestSchema,
  ContainerStatusRequestSchema,
  CreateContainerRequestSchema,
  ListContainersRequestSchema,
  ListPodSandboxRequestSchema,
  RemoveContainerRequestSchema,
  RemovePodSandboxRequestSchema,
  RunPodSandboxRequestSchema,
  StartContainerRequestSchema,
  StopContainerRequestSchema,
  StopPodSandboxRequestSchema,
  UpdateContainerResourcesRequestSchema,
} from "@dockershim/cri-types";
import type { CgroupWrite } from "@dockershim/pod-sandbox";
import type { FakeDocker, FakeNetwork } from "@dockershim/testing";
import { pino } from "pino";
import { createCloserStack } from "../../src/async/closer-stack.js";
import { type ContainerEvents, createContainerEvents } from "../../src/events/container-events.js";
import { createEnginePull } from "../../src/image/engine-pull.js";
import { createImageAccounts } from "../../src/image/image-accounts.js";
import { createImageFiles } from "../../src/image/image-files.js";
import { createPauseImage } from "../../src/image/pause-image.js";
import { createStrayRelease } from "../../src/network/stray-release.js";
import { withoutNri } from "../../src/nri/nri.js";
import { openNri } from "../../src/nri/open-nri.js";
import { defaultShimOptions, type ShimOptions } from "../../src/options.js";
import { createContainerCheckpoint } from "../../src/pods/container-checkpoint.js";
import { createContainerCreate } from "../../src/pods/container-create.js";
import { createContainerList } from "../../src/pods/container-list.js";
import { createContainerRemove } from "../../src/pods/container-remove.js";
import { createContainerStart } from "../../src/pods/container-start.js";
import { createContainerStatus } from "../../src/pods/container-status.js";
import { createContainerStop } from "../../src/pods/container-stop.js";
import { createContainerUpdate } from "../../src/pods/container-update.js";
import { openNodeClasses } from "../../src/pods/node-classes.js";
import { createSandboxList } from "../../src/pods/sandbox-list.js";
import { createSandboxRemove } from "../../src/pods/sandbox-remove.js";
import { createSandboxRun } from "../../src/pods/sandbox-run.js";
import { createSandboxStop } from "../../src/pods/sandbox-stop.js";
import { toConnectError } from "../../src/server/error-mapping.js";
import { type EngineParts, openEngine } from "../../src/start/open-engine.js";
import { type EventFeed, startEventFeed } from "../../src/state/event-feed.js";
import type { Store } from "../../src/state/store.js";
import { createObservers } from "../../src/telemetry/observers.js";

/** The daemon's lifecycle handlers, as they answer their callers, and what they are made of. */
export interface Handlers {
  readonly store: Store;
  readonly feed: EventFeed;
  /** What the handlers are made of. */
  readonly parts: Parts;
  /** Processes that were given limits by way of their cgroups, by pid. */
  readonly limited: ReadonlyMap<number, readonly CgroupWrite[]>;
  /** Has the kernel refuse all limits from now on, in the words of what is given. */
  refuseLimits(refusal: (pid: number) => Error): void;
  readonly calls: Calls;
  /** GetContainerEvents. */
  readonly events: ContainerEvents;
  /** Ends what goes on behind the calls; the engine and the network stay. */
  close(): Promise<void>;
}

/** The calls under test; each fails with the error that its caller would be sent. */
export type Calls = ReturnType<typeof callsOf>;

export interface HandlerOptions {
  /** How often the store is compared with the engine for no reason; default never. */
  readonly auditMs?: number | undefined;
  /** Where NRI plugins connect; default nowhere. */
  readonly nriSocket?: string | undefined;
}

export async function openHandlers(
  {
    docker,
    network,
    root,
  }: { readonly docker: FakeDocker; readonly network: FakeNetwork; readonly root: string },
  { auditMs, nriSocket = "" }: HandlerOptions = {},
): Promise<Handlers> {
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
  const strays = createStrayRelease({ store, network, log });
  closers.push("networks being released", () => strays.close());
  const feed = startEventFeed({
    ...engine,
    log,
    onSynced() {
      strays.collect();
      void engine.checkpoints.recover();
    },
    ...(auditMs === undefined ? {} : { auditMs }),
  });
  closers.push("the event feed", () => feed.stop());
  const imageFiles = createImageFiles(engine.docker, "world", log);
  const pull = createEnginePull({ docker: engine.docker, images, options, log });
  const cgroupLimits: Parts["cgroupLimits"] = {
    async apply({ inspect }, writes) {
      const { Pid: pid } = inspect.State;
      const refusal = refuse?.(pid);
      if (refusal !== undefined) throw refusal;
      limited.set(pid, writes);
    },
  };
  const nri =
    nriSocket === ""
      ? undefined
      : await openNri(
          {
            ...options,
            nriSocket,
            nriPluginDir: join(root, "none"),
            // Nobody is late for want of processors.
            nriRegistrationTimeoutMs: 60_000,
            nriRequestTimeoutMs: 60_000,
          },
          {
            ...engine,
            cgroupLimits,
            addresses: network.addresses,
            synced: feed.firstContact,
            observer: undefined,
            log,
          },
        );
  closers.push("NRI", async () => await nri?.close());
  const parts: Parts = {
    ...engine,
    network,
    imageFiles,
    imageAccounts: createImageAccounts(imageFiles),
    pauseImage: createPauseImage(options, { ...engine, pull, log }),
    cgroupLimits,
    nri: nri ?? withoutNri,
    nodeClasses: await openNodeClasses({ blockioConfigFile: "" }, "/no-resctrl"),
    stats: { reader: noReader, cgroupOf: () => undefined, layer: () => undefined },
    ociSpec: async () => "{}",
    specs: { announce: () => {}, withdraw: () => {}, during: (_, start) => start() },
    options,
    instance: "world",
    log,
  };
  const calls = callsOf(parts);
  const events = createContainerEvents(parts);
  closers.push("container events", () => events.close());
  await feed.firstContact;
  return {
    store,
    feed,
    parts,
    limited,
    refuseLimits(refusal) {
      refuse = refusal;
    },
    calls,
    events,
    close: () => closers.close(),
  };
}

function noReader(): never {
  throw new Error("there are no cgroups here");
}

type Parts = EngineParts &
  Parameters<typeof createContainerCheckpoint>[0] &
  Parameters<typeof createSandboxRun>[0] &
  Parameters<typeof createContainerCreate>[0] &
  Parameters<typeof createContainerStart>[0] &
  Parameters<typeof createContainerUpdate>[0];

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
    listPodSandbox: call(ListPodSandboxRequestSchema, createSandboxList(parts)),
    listContainers: call(ListContainersRequestSchema, createContainerList(parts)),
    containerStatus: call(ContainerStatusRequestSchema, createContainerStatus(parts)),
    runPodSandbox: call(RunPodSandboxRequestSchema, createSandboxRun(parts)),
    stopPodSandbox: call(StopPodSandboxRequestSchema, createSandboxStop(parts)),
    removePodSandbox: call(RemovePodSandboxRequestSchema, createSandboxRemove(parts)),
    createContainer: call(CreateContainerRequestSchema, createContainerCreate(parts)),
    startContainer: call(StartContainerRequestSchema, createContainerStart(parts)),
    stopContainer: call(StopContainerRequestSchema, createContainerStop(parts)),
    checkpointContainer: call(CheckpointContainerRequestSchema, createContainerCheckpoint(parts)),
    removeContainer: call(RemoveContainerRequestSchema, createContainerRemove(parts)),
    updateContainerResources: call(
      UpdateContainerResourcesRequestSchema,
      createContainerUpdate(parts),
    ),
  };
}
