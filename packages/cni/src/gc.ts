import type { AttachmentId } from "./attachment.js";
import { tearDown } from "./del.js";
import { CniError } from "./errors.js";
import type { Network } from "./network-config.js";
import { type OperationContext, type OperationOptions, withDeadline } from "./operation.js";
import { waitForOrphans } from "./orphaned-plugin.js";
import { requestConfig } from "./plugin-call.js";
import type { CachedAttachment } from "./result-cache.js";
import { isAtLeast } from "./version.js";

/** What garbage collection may free, and what it must keep. */
export interface GcOptions extends OperationOptions {
  /**
   * The networks whose plugins are told which attachments are still valid. They
   * free all others, whoever made them: name only networks that no other runtime
   * uses. Networks with `disableGC`, or older than 1.1.0, are passed over.
   */
  readonly networks?: readonly Network[] | undefined;
}

/** What a garbage collection did. */
export interface GcReport {
  /** The attachments of the cache that belonged to nothing and were deleted. */
  readonly deleted: readonly AttachmentId[];
  /** The networks whose plugins were told. */
  readonly collected: readonly string[];
}

/** How many stale attachments are deleted at once. */
const parallelDeletes = 4;

/**
 * Frees what belongs to no attachment: first DEL for each attachment in the
 * cache directory that is not among the valid ones, since GC is no substitute
 * for it, then GC for the networks given (CNI spec 1.1.0, section 2, `GC`). It
 * waits for the operations under way and holds back those that come.
 *
 * @throws CniError `gc_failed` with all failures, after everything was tried
 */
export async function gc(
  context: OperationContext,
  valid: readonly AttachmentId[],
  options: GcOptions,
): Promise<GcReport> {
  return withDeadline(context, "GC", options, (signal) =>
    context.lock.exclusively(signal, async () => {
      const errors: CniError[] = [];
      const deleted = await deleteStale(context, valid, signal, errors);
      const collected = await collect(context, valid, options.networks ?? [], signal, errors);
      if (errors.length > 0) {
        const reasons = errors.map((error) => error.message).join("; ");
        throw new CniError("gc_failed", `GC failed in part: ${reasons}`, { command: "GC", errors });
      }
      return { deleted, collected };
    }),
  );
}

async function deleteStale(
  context: OperationContext,
  valid: readonly AttachmentId[],
  signal: AbortSignal,
  errors: CniError[],
): Promise<AttachmentId[]> {
  const keep = new Set(valid.map(keyOf));
  const stale = (await context.cache.list()).filter(
    (cached) => !cached.readOnly && !keep.has(keyOf(cached)),
  );
  // Even now, no two operations may work on one container at a time.
  const containers = [...Map.groupBy(stale, ({ containerId }) => containerId).values()];
  const deleted: AttachmentId[] = [];
  const work = async () => {
    for (let group = containers.shift(); group !== undefined; group = containers.shift()) {
      for (const cached of group) {
        const { containerId, ifName } = cached;
        try {
          await deleteOne(context, cached, signal);
          deleted.push({ containerId, ifName });
        } catch (error) {
          errors.push(CniError.from(error, "plugin_failed", `DEL of ${containerId} (${ifName})`));
        }
      }
    }
  };
  await Promise.all(Array.from({ length: parallelDeletes }, work));
  return deleted;
}

async function deleteOne(
  context: OperationContext,
  cached: CachedAttachment,
  signal: AbortSignal,
): Promise<void> {
  const { containerId, ifName } = cached;
  if (!cached.complete) await waitForOrphans(containerId, signal, context.log);
  await tearDown(context, { cached, attachment: { containerId, ifName }, signal });
}

async function collect(
  context: OperationContext,
  valid: readonly AttachmentId[],
  networks: readonly Network[],
  signal: AbortSignal,
  errors: CniError[],
): Promise<string[]> {
  const attachments = valid.map(({ containerId, ifName }) => ({
    containerID: containerId,
    ifname: ifName,
  }));
  const members = {
    "cni.dev/valid-attachments": attachments,
    // libcni sends this name too, which an earlier text of the specification had.
    "cni.dev/attachments": attachments,
  };
  const collected: string[] = [];
  for (const network of networks) {
    if (network.disableGC || !isAtLeast(network.cniVersion, "1.1.0")) continue;
    for (const plugin of network.plugins) {
      try {
        const request = requestConfig(network, plugin, { members });
        await context.caller.call({ command: "GC", type: plugin.type, request, signal });
      } catch (error) {
        errors.push(CniError.from(error, "plugin_failed", `GC of plugin ${plugin.type}`));
      }
    }
    collected.push(network.name);
  }
  return collected;
}

function keyOf({ containerId, ifName }: AttachmentId): string {
  return `${containerId}/${ifName}`;
}
