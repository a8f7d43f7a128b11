import { type AttachmentId, type CniArg, validateAttachmentId } from "./attachment.js";
import { CniError } from "./errors.js";
import type { JsonObject } from "./json.js";
import { type HeldNetns, inspectNetns, isProcessPath } from "./netns.js";
import { type Network, type PluginConfig, parseNetworkConfig } from "./network-config.js";
import { type OperationContext, type OperationOptions, withDeadline } from "./operation.js";
import { waitForOrphans } from "./orphaned-plugin.js";
import { type PluginCall, requestConfig } from "./plugin-call.js";
import { attachmentAddresses, toCniResult } from "./result.js";
import type { CachedAttachment } from "./result-cache.js";
import { convertResult } from "./result-convert.js";
import { isAtLeast } from "./version.js";

/** What DEL takes: the attachment's identity, and what may be known besides. */
export interface DelTarget extends AttachmentId {
  /**
   * Path of the network namespace. Give it when the sandbox still runs. Left
   * out, the cached path is used unless it goes through `/proc/<pid>`, since the
   * pid may be another process's by now; empty, the namespace counts as gone.
   */
  readonly netns?: string | undefined;
  /** CNI_ARGS, for an attachment that is not in the cache. */
  readonly args?: readonly CniArg[] | undefined;
  /** Capability values, for an attachment that is not in the cache. */
  readonly capabilityArgs?: JsonObject | undefined;
}

/** How an attachment is taken away. */
export interface DelOptions extends OperationOptions {
  /** Stands in when the cache knows nothing of the attachment: today's network. */
  readonly network?: Network | undefined;
}

/**
 * Which configuration a DEL went by: the one that the attachment was made with
 * (`cache`), the one given (`network`), or none was known (`none`; no plugin ran).
 */
export type DelSource = "cache" | "network" | "none";

/**
 * Disconnects a container: every plugin in reverse order, each given the final
 * result of ADD (CNI spec 1.1.0, section 3, "Deleting an attachment"). May be
 * repeated; what is gone already is no error.
 */
export async function del(
  context: OperationContext,
  target: DelTarget,
  options: DelOptions,
): Promise<DelSource> {
  validateAttachmentId(target);
  const { containerId, ifName } = target;
  const what = `DEL of ${containerId} (${ifName})`;
  return withDeadline(context, what, options, (signal) =>
    context.lock.forContainer(containerId, signal, async () => {
      const known = await context.cache.list({ containerId, ifName });
      for (const cached of known) {
        if (!cached.complete) await waitForOrphans(containerId, signal, context.log);
        await tearDown(context, { cached, network: options.network, attachment: target, signal });
      }
      if (known.length > 0) return "cache";
      const { network } = options;
      if (network === undefined) {
        context.hostPorts.release(target);
        return "none";
      }
      await tearDown(context, { network, attachment: target, signal });
      return "network";
    }),
  );
}

/** Takes one attachment down; the caller holds the container's lock, or the exclusive one. */
export async function tearDown(
  context: OperationContext,
  work: {
    readonly cached?: CachedAttachment | undefined;
    /** Used when there is no cached configuration, or it cannot be read. */
    readonly network?: Network | undefined;
    readonly attachment: DelTarget;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { cached, attachment, signal } = work;
  const network = chooseNetwork(context, cached, work.network);
  const netns = usableNetns(context, attachment, cached);
  // Before 0.4.0 DEL had no prevResult.
  const prevResult =
    cached?.result !== undefined && isAtLeast(network.cniVersion, "0.4.0")
      ? convertForDel(context, network, cached.result)
      : undefined;
  const args = cached !== undefined && cached.args.length > 0 ? cached.args : attachment.args;
  const capabilityArgs = cached?.capabilityArgs ?? attachment.capabilityArgs;
  const deletePlugin = (plugin: PluginConfig, path: string): Promise<void> =>
    deleteInsistently(context, path, {
      command: "DEL",
      type: plugin.type,
      request: requestConfig(network, plugin, { prevResult, capabilityArgs }),
      attachment: {
        containerId: attachment.containerId,
        ifName: attachment.ifName,
        netns: path,
        args,
      },
      signal,
    });
  const standIn = await standInFor(context, network, cached, netns, signal);
  try {
    for (const plugin of network.plugins.toReversed()) {
      if (netns !== "" || standIn === undefined || !masquerades(plugin)) {
        await deletePlugin(plugin, netns);
      }
      if (standIn !== undefined && masquerades(plugin)) await deletePlugin(plugin, standIn.path);
    }
  } finally {
    await standIn?.release();
  }
  if (cached !== undefined) await context.cache.remove(cached);
  context.hostPorts.release(attachment);
}

/**
 * Runs DEL of one plugin, and once more when it fails: where ADD was cut short,
 * some stumble over what is missing and succeed the next time. What is gone
 * already is no error.
 */
async function deleteInsistently(
  context: OperationContext,
  netns: string,
  call: PluginCall,
): Promise<void> {
  const fields = { plugin: call.type, containerId: call.attachment?.containerId };
  for (const last of [false, true]) {
    try {
      await context.caller.call(call);
      return;
    } catch (reason) {
      const error = CniError.from(reason, "plugin_failed", "DEL failed");
      if (isGoneAlready(error, netns)) {
        context.log("info", "what the plugin was to delete is gone already", {
          ...fields,
          reason: error.message,
        });
        return;
      }
      if (last || error.code !== "plugin_failed") throw error;
      context.log("warn", "DEL failed, trying once more", { ...fields, reason: error.message });
    }
  }
}

function chooseNetwork(
  context: OperationContext,
  cached: CachedAttachment | undefined,
  fallback: Network | undefined,
): Network {
  if (cached !== undefined) {
    try {
      return parseNetworkConfig(cached.configText);
    } catch (error) {
      if (fallback === undefined) throw error;
      context.log("warn", "the cached configuration is unusable, deleting with today's", {
        file: cached.file,
        reason: (error as CniError).message,
      });
    }
  }
  if (fallback === undefined) {
    throw new CniError("invalid_argument", "DEL needs a cached attachment or a network");
  }
  return fallback;
}

function usableNetns(
  context: OperationContext,
  attachment: DelTarget,
  cached: CachedAttachment | undefined,
): string {
  const remembered = cached === undefined || isProcessPath(cached.netns) ? "" : cached.netns;
  const path = attachment.netns ?? remembered;
  const state = inspectNetns(path);
  if (state === "own") {
    context.log("warn", "the namespace to delete in is this process's own: taken as gone", {
      netns: path,
      containerId: attachment.containerId,
    });
  }
  return state === "usable" ? path : "";
}

/** `ipMasq` has the same meaning in all plugins (CNI spec 1.1.0, section 1). */
function masquerades(plugin: PluginConfig): boolean {
  return plugin.config.ipMasq === true;
}

/**
 * A namespace in which masquerading can be undone, when the real one is gone, or
 * when an earlier DEL may have taken the interface out of it and got no further.
 */
async function standInFor(
  context: OperationContext,
  network: Network,
  cached: CachedAttachment | undefined,
  netns: string,
  signal: AbortSignal,
): Promise<HeldNetns | undefined> {
  if (cached?.result === undefined || !network.plugins.some(masquerades)) return undefined;
  if (cached.complete && netns !== "") {
    await markUnfinished(context, cached);
    return undefined;
  }
  try {
    const addresses = attachmentAddresses(toCniResult(cached.result), cached.ifName);
    return await context.makeStandInNetns(cached.ifName, addresses, signal);
  } catch (error) {
    signal.throwIfAborted();
    context.log("warn", "masquerading rules may be left over: the namespace is gone", {
      containerId: cached.containerId,
      reason: error instanceof Error ? error.message : String(error),
    });
    return undefined;
  }
}

/** From here on the attachment is neither there nor gone. */
async function markUnfinished(context: OperationContext, cached: CachedAttachment): Promise<void> {
  if (!cached.readOnly) await context.cache.write({ ...cached, complete: false });
}

/** A result that cannot be told in the version is left out: DEL must go on without it. */
function convertForDel(
  context: OperationContext,
  network: Network,
  result: JsonObject,
): JsonObject | undefined {
  try {
    return convertResult(result, network.cniVersion);
  } catch (error) {
    context.log("warn", "the cached result is unusable, deleting without it", {
      network: network.name,
      reason: (error as CniError).message,
    });
    return undefined;
  }
}

/** "Container unknown or does not exist" (CNI spec 1.1.0, section 5, "Error"). */
const unknownContainer = 3;

/**
 * Plugins should delete without complaint what is gone, but some complain. A
 * program that is missing is another thing: what it was to delete is left over.
 */
function isGoneAlready(error: CniError, netns: string): boolean {
  if (error.code !== "plugin_failed") return false;
  if (error.cniCode === unknownContainer) return true;
  const text = `${error.msg} ${error.details ?? ""}`;
  if (/executable file not found|command not found|fork\/exec|failed to find plugin/i.test(text)) {
    return false;
  }
  return /not found/i.test(text) || (netns === "" && /no such file or directory/i.test(text));
}
