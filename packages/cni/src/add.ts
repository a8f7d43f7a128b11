import { type Attachment, formatCniArgs, validateAttachmentId } from "./attachment.js";
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
 * configuration, arguments and results it was being made with. A failed ADD is
 * undone before it is reported, with a time limit of its own.
 */
export async function add(
  context: OperationContext,
  network: Network,
  attachment: Attachment,
  options: OperationOptions,
): Promise<CniResult> {
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
  attachment: Attachment,
  signal: AbortSignal,
): Promise<void> {
  const netns = inspectNetns(attachment.netns);
  if (netns !== "usable") {
    const why = netns === "gone" ? "there is no such namespace" : "it is this process's own";
    throw new CniError(
      "invalid_argument",
      `cannot use network namespace ${JSON.stringify(attachment.netns)}: ${why}`,
    );
  }
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
    await tearDown(context, { cached, attachment, signal });
  }
}

async function addLocked(
  context: OperationContext,
  network: Network,
  attachment: Attachment,
  signal: AbortSignal,
): Promise<CniResult> {
  const record = (result: JsonObject | undefined, complete: boolean) =>
    context.cache.write({
      ...attachment,
      network: network.name,
      configText: network.text,
      result,
      complete,
    });
  let result: JsonObject | undefined;
  try {
    await record(undefined, false);
  } catch (error) {
    context.hostPorts.release(attachment);
    throw error;
  }
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
      await record(result, index === network.plugins.length - 1);
    }
    return toCniResult(result ?? {});
  } catch (reason) {
    const error = CniError.from(reason, "plugin_failed", "ADD failed");
    const cleanupError = await undo(context, network, attachment);
    throw cleanupError === undefined ? error : error.withCleanupError(cleanupError);
  }
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
