import { type AttachmentId, validateAttachmentId } from "./attachment.js";
import { CniError } from "./errors.js";
import { parseNetworkConfig } from "./network-config.js";
import { type OperationContext, type OperationOptions, withDeadline } from "./operation.js";
import { requestConfig } from "./plugin-call.js";
import { convertResult } from "./result-convert.js";
import { isAtLeast } from "./version.js";

/**
 * Whether CHECK ran: not where the configuration disables it, nor before 0.4.0,
 * which did not have it.
 */
export type CheckOutcome = "checked" | "disabled" | "unsupported";

/**
 * Asks every plugin whether an attachment is as ADD made it (CNI spec 1.1.0,
 * section 3, "Checking an attachment"), by the cached configuration, arguments
 * and result.
 */
export async function check(
  context: OperationContext,
  target: AttachmentId & { readonly netns?: string | undefined },
  options: OperationOptions,
): Promise<CheckOutcome> {
  validateAttachmentId(target);
  const { containerId, ifName } = target;
  const what = `CHECK of ${containerId} (${ifName})`;
  return withDeadline(context, what, options, (signal) =>
    context.lock.forContainer(containerId, signal, async () => {
      const [cached] = await context.cache.list({ containerId, ifName });
      if (cached?.result === undefined || !cached.complete) {
        throw new CniError("not_attached", `container ${containerId} has no attachment ${ifName}`);
      }
      const network = parseNetworkConfig(cached.configText);
      if (network.disableCheck) return "disabled";
      if (!isAtLeast(network.cniVersion, "0.4.0")) return "unsupported";
      const prevResult = convertResult(cached.result, network.cniVersion);
      const { args, capabilityArgs } = cached;
      for (const plugin of network.plugins) {
        await context.caller.call({
          command: "CHECK",
          type: plugin.type,
          request: requestConfig(network, plugin, { prevResult, capabilityArgs }),
          attachment: { containerId, ifName, netns: target.netns ?? cached.netns, args },
          signal,
        });
      }
      return "checked";
    }),
  );
}
