import type { Network } from "./network-config.js";
import { type OperationContext, type OperationOptions, withDeadline } from "./operation.js";
import { requestConfig } from "./plugin-call.js";
import { isAtLeast } from "./version.js";

/**
 * Asks every plugin whether it can serve ADD (CNI spec 1.1.0, section 2,
 * `STATUS`). Networks of an older version have no such command and count as ready.
 */
export async function status(
  context: OperationContext,
  network: Network,
  options: OperationOptions,
): Promise<void> {
  if (!isAtLeast(network.cniVersion, "1.1.0")) return;
  await withDeadline(context, `STATUS of ${network.name}`, options, async (signal) => {
    for (const plugin of network.plugins) {
      const request = requestConfig(network, plugin);
      await context.caller.call({ command: "STATUS", type: plugin.type, request, signal });
    }
  });
}
