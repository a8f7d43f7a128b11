import {
  type Attaching,
  type Attachment,
  formatCniArgs,
  validateAttachmentId,
} from "./attachment.js";
import { createDeadline } from "./deadline.js";
import { tearDown } from "./del.js";
import { CniError } from "./errors.js";
import type { JsonObject } from "./json.js";
import { inspectNetns } from "./netns.js";
import type { Network } from "./network-config.js";
import { type OperationContext, type OperationOptions, withDeadline } from "./operation.js";
import { waitForOrphans } from "./orphaned-plugin.js";
import { requestConfig } from "./plugin-call.js";
import { findPlugin } from "./plugin-path.js";
import { type CniResult, parseResult, toCniResult } from "./result.js";

/**
 * Connects a container to a network: every plugin in order, each given the
 * result so far (CNI spec 1.1.0, section 3, "Adding an attachment").
 *
 * The cache is told before the first plugin runs and after each one, so that
 * whenever this process ends, the attachment can be taken down with the
 * configuration, arguments and results it was being made with. The next plugin
 * does not wait for that, nor does the first entry for a namespace that is only
 * promised: syncing a file takes milliseconds. A failed ADD is undone before it
 * is reported, with a time limit of its own.
 */
export async function add(
  context: OperationContext,
  network: Network,
  attachment: Attaching,
  options: OperationOptions,
): Promise<CniResult> {
  // Whatever comes first: a promise of a namespace that is broken is no process's end.
  if (typeof attachment.netns !== "string") attachment.netns.catch(() => undefined);
  validateAttachmentId(attachment);
  formatCniArgs(attachment.args ?? []);
  const what = `ADD of ${attachment.containerId} (${attachment.ifName}) to ${network.name}`;
  return withDeadline(context, what, options, (signal) =>
    context.lock.forContainer(attachment.containerId, signal, async () => {
      await checkBeforehand(context, network, attachment, signal);
      await context.hostPorts.claim(network, attachment);
      return addLocked(context, network, attachment, signal);
    }),
  );
}

/** What can be known to fail is refused before anything has happened. */
async function checkBeforehand(
  context: OperationContext,
  network: Network,
  attachment: Attaching,
  signal: AbortSignal,
): Promise<void> {
  if (typeof attachment.netns === "string") checkNetns(attachment.netns);
  for (const { type } of network.plugins) findPlugin(type, context.binDirs);
  const { containerId, ifName } = attachment;
  for (const cached of await context.cache.list({ containerId, ifName })) {
    if (cached.complete) {
      throw new CniError(
        "already_attached",
        `container ${containerId} is attached to ${cached.network} as ${ifName} already`,
      );
    }
    // What an earlier process left half done may stand in the way.
    context.log("info", "undoing an interrupted ADD", { network: cached.network, containerId });
    await waitForOrphans(containerId, signal, context.log);
    const netns = await untilAborted(attachment.netns, signal);
    await tearDown(context, { cached, attachment: { ...attachment, netns }, signal });
  }
}

function checkNetns(path: string): void {
  const netns = inspectNetns(path);
  if (netns === "usable") return;
  const why = netns === "gone" ? "there is no such namespace" : "it is this process's own";
  throw new CniError(
    "invalid_argument",
    `cannot use network namespace ${JSON.stringify(path)}: ${why}`,
  );
}

/** What is given, or promised; the signal's reason if that comes first. */
async function untilAborted<T>(given: T | Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([given, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

async function addLocked(
  context: OperationContext,
  network: Network,
  attaching: Attaching,
  signal: AbortSignal,
): Promise<CniResult> {
  const record = (netns: string, result: JsonObject | undefined, complete: boolean) =>
    context.cache.write({
      ...attaching,
      netns,
      network: network.name,
      configText: network.text,
      result,
      complete,
    });
  const { netns: given } = attaching;
  let netns: string;
  try {
    await record(typeof given === "string" ? given : "", undefined, false);
    netns = await untilAborted(given, signal);
    checkNetns(netns);
  } catch (error) {
    await withdraw(context, network, attaching);
    throw error;
  }
  const attachment = { ...attaching, netns };
  let result: JsonObject | undefined;
  let recorded = Promise.resolve();
  try {
    for (const [index, plugin] of network.plugins.entries()) {
      const stdout = await context.caller.call({
        command: "ADD",
        type: plugin.type,
        request: requestConfig(network, plugin, {
          prevResult: result,
          capabilityArgs: attachment.capabilityArgs,
        }),
        attachment,
        signal,
      });
      result = readResult(stdout, network, plugin.type);
      await recorded;
      recorded = record(netns, result, index === network.plugins.length - 1);
      recorded.catch(() => undefined);
    }
    await recorded;
    return toCniResult(result ?? {});
  } catch (reason) {
    const error = CniError.from(reason, "plugin_failed", "ADD failed");
    // Or it would come after the clean-up has removed the entry.
    await recorded.catch(() => undefined);
    const cleanupError = await undo(context, network, attachment);
    throw cleanupError === undefined ? error : error.withCleanupError(cleanupError);
  }
}

/** Takes back what was noted of an attachment for which no plugin has run. */
async function withdraw(
  context: OperationContext,
  network: Network,
  { containerId, ifName }: Attaching,
): Promise<void> {
  context.hostPorts.release({ containerId, ifName });
  const noted = await context.cache
    .list({ containerId, ifName, network: network.name })
    .catch(() => []);
  // An entry that stays is of a DEL that finds nothing.
  for (const entry of noted) await context.cache.remove(entry).catch(() => undefined);
}

function readResult(stdout: string, network: Network, plugin: string): JsonObject {
  try {
    return parseResult(stdout, network.cniVersion);
  } catch (reason) {
    const error = CniError.from(reason, "invalid_result", "unreadable result");
    throw new CniError("invalid_result", `ADD of plugin ${plugin}: ${error.message}`, {
      plugin,
      command: "ADD",
      msg: error.msg,
      cause: error,
    });
  }
}

/** @returns why the attachment could not be undone; its cache file then stays for a later DEL */
async function undo(
  context: OperationContext,
  network: Network,
  attachment: Attachment,
): Promise<CniError | undefined> {
  const { containerId, ifName } = attachment;
  const deadline = createDeadline("DEL after a failed ADD", context.cleanupTimeoutMs, [
    context.closed,
  ]);
  try {
    const [cached] = await context.cache.list({ containerId, ifName, network: network.name });
    await tearDown(context, { cached, network, attachment, signal: deadline.signal });
    return undefined;
  } catch (error) {
    return CniError.from(error, "plugin_failed", "DEL failed");
  } finally {
    deadline.dispose();
  }
}
