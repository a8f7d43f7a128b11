import type { LinuxContainerResources } from "@dockershim/cri-types";
import type {
  ContainerEviction,
  ContainerUpdate,
  NriError,
  NriObserver,
  PluginHost,
} from "@dockershim/nri";
import { fromNriUpdate, type NriAdjustment, toNriResources } from "@dockershim/pod-sandbox";
import type { Logger } from "pino";
import { BoundedMap } from "../async/bounded-map.js";
import { type ChangeLimitsParts, changeLimits } from "../engine-work/change-limits.js";
import { type HaltParts, haltContainer } from "../engine-work/container-halt.js";
import type { ShimOptions } from "../options.js";
import { ShimError, type ShimErrorCode } from "../shim-error.js";
import type { Engine } from "../state/engine.js";
import type { ContainerRecord, SandboxRecord, StoreRecord } from "../state/records.js";
import type { Store, StoreChange } from "../state/store.js";
import type { UnmanagedLimitsStore } from "../state/unmanaged-limits.js";
import { version } from "../version.js";
import type { Nri } from "./nri.js";
import {
  type NriContainer,
  type NriLimits,
  type NriPod,
  toNriContainer,
  toNriPod,
} from "./nri-messages.js";

/** What NRI is made of. */
export interface NriParts extends ChangeLimitsParts, HaltParts {
  readonly docker: ChangeLimitsParts["docker"] & HaltParts["docker"];
  readonly engine: Pick<Engine, "facts" | "known">;
  readonly store: ChangeLimitsParts["store"] &
    HaltParts["store"] &
    Pick<Store, "sandbox" | "sandboxes" | "containers" | "onChange">;
  readonly unmanagedLimits: UnmanagedLimitsStore;
  readonly addresses: (sandboxId: string) => readonly string[] | undefined;
  /** Settles when the store has been filled for the first time. */
  readonly synced: Promise<void>;
  readonly observer: Pick<NriObserver, "calling" | "connected"> | undefined;
  readonly log: Logger;
}

export type NriOptions = Pick<
  ShimOptions,
  "nriSocket" | "nriPluginDir" | "nriConfigDir" | "nriRegistrationTimeoutMs" | "nriRequestTimeoutMs"
>;

/** NRI that is on. */
export interface OpenNri extends Nri {
  /** Settles once the plugins of the folder are in, or could not be. */
  readonly launched: Promise<void>;
  close(): Promise<void>;
}

const codes: Partial<Record<NriError["code"], ShimErrorCode>> = {
  conflict: "failed_precondition",
  rejected: "failed_precondition",
};

/** Docker never gives an id twice, and memory is finite. */
const rememberedEnds = 4096;

/** How long the engine may take to do what a plugin asks for, in ms. */
const updateDeadlineMs = 30_000;

/**
 * Calls the node's NRI plugins. Nothing of NRI is loaded before this.
 *
 * @throws ShimError `failed_precondition` when the socket cannot be had.
 */
export async function openNri(options: NriOptions, parts: NriParts): Promise<OpenNri> {
  const { engine, store, unmanagedLimits, addresses } = parts;
  const log = parts.log.child({ part: "nri" });
  const nri = await import("@dockershim/nri");
  /** Sandboxes and containers whose stop, or removal, plugins have been told of. */
  const stopTold = new BoundedMap<string, true>(rememberedEnds);
  const removalTold = new BoundedMap<string, true>(rememberedEnds);
  /** Starts that are under way. */
  const starts = new Map<string, Promise<void>>();
  /** Ends that plugins are being told of. */
  const ends = new Map<string, Promise<void>>();

  const podOf = (record: SandboxRecord): NriPod => toNriPod(record, addresses(record.id));
  const podOfId = (id: string): NriPod => {
    const record = store.sandbox(id);
    return record === undefined ? { id } : podOf(record);
  };
  const containerOf = (record: ContainerRecord): NriContainer =>
    toNriContainer(record, unmanagedLimits.of(record), engine.known().facts);
  const subject = (record: ContainerRecord) => ({
    pod: podOfId(record.sandboxId),
    container: containerOf(record),
  });

  let host: PluginHost;
  try {
    host = await nri.startPluginHost({
      runtimeName: "dockershim",
      runtimeVersion: version,
      socketPath: options.nriSocket,
      pluginDir: options.nriPluginDir,
      configDir: options.nriConfigDir,
      registrationTimeoutMs: options.nriRegistrationTimeoutMs,
      requestTimeoutMs: options.nriRequestTimeoutMs,
      async inventory() {
        await parts.synced;
        return {
          pods: [...store.sandboxes()].map(podOf),
          // As containerd has it, those that have ended are left out.
          containers: [...store.containers()].filter(hasNotEnded).map(containerOf),
        };
      },
      async update(plugin, { update, evict }) {
        await evictAll(evict, plugin);
        return await updateAll(update);
      },
      observer: {
        ...parts.observer,
        log: (level, message, fields) => log[level]({ ...fields }, message),
      },
    });
  } catch (err) {
    throw toShimError(err, "failed_precondition");
  }

  function toShimError(reason: unknown, otherwise: ShimErrorCode = "internal"): unknown {
    if (!(reason instanceof nri.NriError)) return reason;
    const code = codes[reason.code] ?? otherwise;
    return new ShimError(code, reason.message, { cause: reason });
  }

  /** A plugin's error fails the call. */
  async function ask<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (err) {
      throw toShimError(err);
    }
  }

  /** A plugin's error is told: nothing can be changed any more. */
  async function tell(what: string, id: string, work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (err) {
      log.warn({ err, id }, `an NRI plugin failed when it was told that ${what}`);
    }
  }

  /** @returns The updates that failed. */
  async function updateAll(updates: readonly ContainerUpdate[]): Promise<ContainerUpdate[]> {
    const failed: ContainerUpdate[] = [];
    for (const update of updates) {
      try {
        await updateOne(update);
      } catch (err) {
        log.warn({ err, container: update.containerId }, "an NRI plugin's update failed");
        failed.push(update);
      }
    }
    return failed;
  }

  async function updateOne({ containerId, linux }: ContainerUpdate): Promise<void> {
    const record = store.container(containerId);
    if (record === undefined) throw new ShimError("not_found", `no container ${containerId}`);
    if (linux?.resources === undefined) return;
    const { resources, extra } = fromNriUpdate(
      linux.resources,
      undefined,
      "nri.update.linux.resources",
    );
    await changeLimits(parts, record, resources, extra, AbortSignal.timeout(updateDeadlineMs));
  }

  /** @throws ShimError when one fails whose failure is not to be ignored. */
  async function requireUpdates(updates: readonly ContainerUpdate[]): Promise<void> {
    const failed = (await updateAll(updates)).filter(({ ignoreFailure }) => !ignoreFailure);
    if (failed.length === 0) return;
    const ids = failed.map(({ containerId }) => containerId).join(", ");
    throw new ShimError("internal", `limits that an NRI plugin wants were not set: ${ids}`);
  }

  async function evictAll(evictions: readonly ContainerEviction[], plugin = ""): Promise<void> {
    for (const { containerId: id, reason } of evictions) {
      log.warn({ container: id, plugin, reason }, "an NRI plugin has a container stopped");
      try {
        if (store.container(id) === undefined) continue;
        await haltContainer(parts, id, 0, AbortSignal.timeout(updateDeadlineMs));
      } catch (err) {
        log.warn({ err, container: id }, "could not stop it");
      }
    }
  }

  function tellEnd(record: ContainerRecord): void {
    const { id } = record;
    const ended = subject(record);
    const work = Promise.resolve(starts.get(id))
      .then(() => host.stopContainer(ended))
      .then(updateAll);
    ends.set(
      id,
      tell("a container has ended", id, work).finally(() => ends.delete(id)),
    );
  }

  async function tellRemoval(record: StoreRecord): Promise<void> {
    const { id } = record;
    if (removalTold.has(id)) return;
    removalTold.set(id, true);
    if (record.kind === "container") {
      const told = subject(record);
      await ends.get(id);
      await tell("a container is removed", id, host.tell("removeContainer", told));
    } else {
      await tellStop(record);
      await tell("a pod is removed", id, host.tell("removePodSandbox", { pod: podOf(record) }));
    }
  }

  async function tellStop(record: SandboxRecord): Promise<void> {
    if (stopTold.has(record.id)) return;
    stopTold.set(record.id, true);
    await tell("a pod is stopped", record.id, host.tell("stopPodSandbox", { pod: podOf(record) }));
  }

  /** Containers end by themselves, and both go behind our back. */
  function follow({ before, after }: StoreChange): void {
    if (before?.kind === "container" && after === undefined && hasRun(before)) tellEnd(before);
    // A short one may never be seen to run.
    if (
      before !== undefined &&
      after?.kind === "container" &&
      hasEnded(after) &&
      !hasEnded(before)
    ) {
      tellEnd(after);
    }
    if (after !== undefined || before === undefined) return;
    void tellRemoval(before);
  }

  const unfollow = store.onChange(follow);

  return {
    on: true,
    launched: host.launched,
    hold: (signal) => ask(host.hold(signal)),
    runSandbox: (sandbox) => ask(host.tell("runPodSandbox", { pod: podOf(sandbox) })),
    stopSandbox: tellStop,
    removeSandbox: tellRemoval,
    updateSandbox: (sandbox, overhead, resources) =>
      ask(
        host.tell("updatePodSandbox", {
          pod: podOf(sandbox),
          ...(overhead && { overheadLinuxResources: limitsOf(overhead) }),
          ...(resources && { linuxResources: limitsOf(resources) }),
        }),
      ),
    sandboxUpdated: (sandbox) =>
      tell(
        "a pod was updated",
        sandbox.id,
        host.tell("postUpdatePodSandbox", { pod: podOf(sandbox) }),
      ),
    async createContainer(id, planned) {
      if (host.plugins.length === 0) return undefined;
      const outcome = await ask(host.createContainer(subject({ ...planned, id })));
      await evictAll(outcome.evictions);
      await requireUpdates(outcome.updates);
      return outcome.adjust as NriAdjustment;
    },
    async containerUndone(id, planned) {
      if (removalTold.has(id)) return;
      removalTold.set(id, true);
      if (host.plugins.length === 0) return;
      const undone = subject({ ...planned, id });
      await tell("a container is not created", id, host.stopContainer(undone).then(updateAll));
      await tell("a container is not created", id, host.tell("removeContainer", undone));
    },
    containerCreated: (container) =>
      tell(
        "a container was created",
        container.id,
        host.tell("postCreateContainer", subject(container)),
      ),
    async startContainer(container) {
      const { id } = container;
      const over = Promise.withResolvers<void>();
      starts.set(id, over.promise);
      const end = (): void => {
        starts.delete(id);
        over.resolve();
      };
      try {
        await ask(host.tell("startContainer", subject(container)));
      } catch (err) {
        end();
        throw err;
      }
      return async (started) => {
        if (started !== undefined) {
          const told = host.tell("postStartContainer", subject(started));
          await tell("a container was started", id, told);
        }
        end();
      };
    },
    async updateContainer(container, resources) {
      if (host.plugins.length === 0) return { resources, extra: {} };
      const outcome = await ask(host.updateContainer(subject(container), limitsOf(resources)));
      await evictAll(outcome.evictions);
      await requireUpdates(outcome.updates);
      return fromNriUpdate(outcome.resources, resources, "nri.update.linux.resources");
    },
    containerUpdated: (container) =>
      tell(
        "a container was updated",
        container.id,
        host.tell("postUpdateContainer", subject(container)),
      ),
    containerEndTold: async (id) => await ends.get(id),
    removeContainer: tellRemoval,
    async close() {
      unfollow();
      await host.close();
    },
  };
}

function limitsOf(resources: LinuxContainerResources): NriLimits {
  return toNriResources(resources) as NriLimits;
}

function hasEnded({ inspect }: StoreRecord): boolean {
  return ["exited", "dead"].includes(inspect.State.Status);
}

function hasNotEnded(record: StoreRecord): boolean {
  return !hasEnded(record);
}

/** Whether its process ran when it was seen. */
function hasRun({ inspect }: StoreRecord): boolean {
  return ["running", "paused", "restarting"].includes(inspect.State.Status);
}
