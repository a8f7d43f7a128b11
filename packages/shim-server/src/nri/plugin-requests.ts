import type { ContainerEviction, ContainerUpdate } from "@dockershim/nri";
import { fromNriUpdate } from "@dockershim/pod-sandbox";
import type { Logger } from "pino";
import { type ChangeLimitsParts, changeLimits } from "../engine-work/change-limits.js";
import { type HaltParts, haltContainer } from "../engine-work/container-halt.js";
import { ShimError } from "../shim-error.js";
import type { Store } from "../state/store.js";

/** What it takes to change and end containers. */
export interface PluginRequestParts extends ChangeLimitsParts, HaltParts {
  readonly docker: ChangeLimitsParts["docker"] & HaltParts["docker"];
  readonly store: ChangeLimitsParts["store"] & HaltParts["store"] & Pick<Store, "container">;
  readonly log: Logger;
}

/** Does what plugins ask for with containers that exist. */
export interface PluginRequests {
  /** @returns The updates that failed. */
  update(updates: readonly ContainerUpdate[]): Promise<ContainerUpdate[]>;
  /** @throws ShimError when one fails whose failure is not to be ignored. */
  requireUpdates(updates: readonly ContainerUpdate[]): Promise<void>;
  /** Kills containers; a failure is logged. */
  evict(evictions: readonly ContainerEviction[], plugin?: string): Promise<void>;
}

/** How long the engine may take for it, in ms. */
const deadlineMs = 30_000;

export function createPluginRequests(parts: PluginRequestParts): PluginRequests {
  const { store, log } = parts;

  async function update(updates: readonly ContainerUpdate[]): Promise<ContainerUpdate[]> {
    const failed: ContainerUpdate[] = [];
    for (const each of updates) {
      try {
        await updateOne(each);
      } catch (err) {
        log.warn({ err, container: each.containerId }, "an NRI plugin's update failed");
        failed.push(each);
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
    await changeLimits(parts, record, resources, extra, AbortSignal.timeout(deadlineMs));
  }

  return {
    update,
    async requireUpdates(updates) {
      const failed = (await update(updates)).filter(({ ignoreFailure }) => !ignoreFailure);
      if (failed.length === 0) return;
      const ids = failed.map(({ containerId }) => containerId).join(", ");
      throw new ShimError("internal", `limits that an NRI plugin wants were not set: ${ids}`);
    },
    async evict(evictions, plugin = "") {
      for (const { containerId: id, reason } of evictions) {
        log.warn({ container: id, plugin, reason }, "an NRI plugin has a container stopped");
        try {
          if (store.container(id) === undefined) continue;
          await haltContainer(parts, id, 0, AbortSignal.timeout(deadlineMs));
        } catch (err) {
          log.warn({ err, container: id }, "could not stop it");
        }
      }
    },
  };
}
