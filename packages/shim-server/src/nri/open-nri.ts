import type { LinuxContainerResources } from "@dockershim/cri-types";
import type { NriError, NriObserver, PluginHost } from "@dockershim/nri";
import { fromNriUpdate, type NriAdjustment, toNriResources } from "@dockershim/pod-sandbox";
import type { Logger } from "pino";
import type { ShimOptions } from "../options.js";
import { ShimError, type ShimErrorCode } from "../shim-error.js";
import type { Engine } from "../state/engine.js";
import { type ContainerRecord, hasEnded, type SandboxRecord } from "../state/records.js";
import type { Store } from "../state/store.js";
import type { UnmanagedLimitsStore } from "../state/unmanaged-limits.js";
import { version } from "../version.js";
import { createEnds } from "./ends.js";
import type { Nri } from "./nri.js";
import {
  type NriContainer,
  type NriLimits,
  type NriPod,
  toNriContainer,
  toNriPod,
} from "./nri-messages.js";
import { createPluginRequests, type PluginRequestParts } from "./plugin-requests.js";

/** What NRI is made of. */
export interface NriParts extends PluginRequestParts {
  readonly engine: Pick<Engine, "facts" | "known">;
  readonly store: PluginRequestParts["store"] &
    Pick<Store, "sandbox" | "sandboxes" | "containers" | "onChange">;
  readonly unmanagedLimits: UnmanagedLimitsStore;
  readonly addresses: (sandboxId: string, pid: number) => readonly string[] | undefined;
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

/**
 * Calls the node's NRI plugins. Nothing of NRI is loaded before this.
 *
 * @throws ShimError `failed_precondition` when the socket cannot be had.
 */
export async function openNri(options: NriOptions, parts: NriParts): Promise<OpenNri> {
  const { engine, store, unmanagedLimits, addresses } = parts;
  const log = parts.log.child({ part: "nri" });
  const nri = await import("@dockershim/nri");
  const requests = createPluginRequests({ ...parts, log });

  const podOf = (record: SandboxRecord): NriPod =>
    toNriPod(record, addresses(record.id, record.inspect.State.Pid));
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
          containers: [...store.containers()]
            .filter((record) => !hasEnded(record))
            .map(containerOf),
        };
      },
      async update(plugin, { update, evict }) {
        await requests.evict(evict, plugin);
        return await requests.update(update);
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

  const ends = createEnds({ host, store, requests, subject, pod: podOf, tell });

  return {
    on: true,
    launched: host.launched,
    hold: (signal) => ask(host.hold(signal)),
    runSandbox: (sandbox) => ask(host.tell("runPodSandbox", { pod: podOf(sandbox) })),
    stopSandbox: ends.sandboxStopped,
    removeSandbox: ends.removed,
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
      await requests.evict(outcome.evictions);
      await requests.requireUpdates(outcome.updates);
      return outcome.adjust as NriAdjustment;
    },
    containerUndone: ends.undone,
    containerCreated: (container) =>
      tell(
        "a container was created",
        container.id,
        host.tell("postCreateContainer", subject(container)),
      ),
    async startContainer(container) {
      const { id } = container;
      const end = ends.starting(id);
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
      await requests.evict(outcome.evictions);
      await requests.requireUpdates(outcome.updates);
      return fromNriUpdate(outcome.resources, resources, "nri.update.linux.resources");
    },
    containerUpdated: (container) =>
      tell(
        "a container was updated",
        container.id,
        host.tell("postUpdateContainer", subject(container)),
      ),
    containerEndTold: ends.told,
    removeContainer: ends.removed,
    async close() {
      ends.close();
      await host.close();
    },
  };
}

function limitsOf(resources: LinuxContainerResources): NriLimits {
  return toNriResources(resources) as NriLimits;
}
