import { CgroupDriver, type UpdateRuntimeConfigRequest } from "@dockershim/cri-types";
import type { ShimContext } from "../context.js";

/** RuntimeConfig: the cgroup driver that the kubelet should use, which is the engine's. */
export function createRuntimeConfig(
  context: Pick<ShimContext, "engine">,
): () => Promise<{ linux: { cgroupDriver: CgroupDriver } }> {
  return async () => {
    const { cgroupDriver } = await context.engine.facts();
    return {
      linux: {
        cgroupDriver: cgroupDriver === "systemd" ? CgroupDriver.SYSTEMD : CgroupDriver.CGROUPFS,
      },
    };
  };
}

/** UpdateRuntimeConfig: the node's pod address range, for CNI's `ipRanges` capability. */
export function createUpdateRuntimeConfig(
  context: Pick<ShimContext, "network">,
): (request: UpdateRuntimeConfigRequest) => Promise<Record<string, never>> {
  return async ({ runtimeConfig }) => {
    const cidr = runtimeConfig?.networkConfig?.podCidr ?? "";
    if (cidr !== "") context.network.setPodCidr(cidr);
    return {};
  };
}
