import type { StopContainerRequest } from "@dockershim/cri-types";
import type { CallContext } from "../call.js";
import { type HaltParts, haltContainer } from "../engine-work/container-halt.js";
import type { Nri } from "../nri/nri.js";
import { ShimError } from "../shim-error.js";
import { type ContainerLookup, findContainer } from "../state/container-lookup.js";

/** Docker counts nanoseconds in 64 bits; this is 68 years. */
const longestSeconds = 2 ** 31 - 1;

/** StopContainer: the stop signal, then SIGKILL after `timeout` seconds. */
export function createContainerStop(
  parts: HaltParts & {
    readonly store: ContainerLookup;
    readonly nri: Pick<Nri, "containerEndTold">;
  },
): (request: StopContainerRequest, call: CallContext) => Promise<Record<string, never>> {
  return async ({ containerId, timeout }, { signal }) => {
    if (timeout < 0n) throw new ShimError("invalid_argument", "timeout: must not be negative");
    const graceSeconds = Math.min(Number(timeout), longestSeconds);
    // One that never ran or runs no more has nothing to stop; Docker would "stop" a created one.
    const record = findContainer(parts.store, containerId);
    const status = record?.inspect.State.Status;
    if (record === undefined) return {};
    if (status === "running" || status === "paused" || status === "restarting") {
      await haltContainer(parts, record.id, graceSeconds, signal);
    }
    await parts.nri.containerEndTold(record.id);
    return {};
  };
}
