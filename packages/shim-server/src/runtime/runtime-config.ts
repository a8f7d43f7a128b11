import { CgroupDriver, type UpdateRuntimeConfigRequest } from "@dockershim/cri-types";
import type { PodNetwork } from "../network/pod-network.js";
import type { Engine } from "../state/engine.js";

/** RuntimeConfig: the cgroup driver that the kubelet should use, which is the engine's. */
export function createRuntimeConfig({
  engine,
}: {
  readonly engine: Pick<Engine, "facts">;
}): () => Promise<{ linux: { cgroupDriver: CgroupDriver } }> {
  return async () => {
    const { cgroupDriver } = await engine.facts();
    return {
      linux: {
        cgroupDriver: cgroupDriver === "systemd" ? CgroupDriver.SYSTEMD : CgroupDriver.CGROUPFS,
      },
    };
  };
}

/** UpdateRuntimeConfig: the node's pod address range, for CNI's `ipRanges` capability. */
export function createUpdateRuntimeConfig({
  network,
}: {
  readonly network: Pick<PodNetwork, "setPodCidr">;
}): (request: UpdateRuntimeConfigRequest) => Promise<Record<string, never>> {
  return async ({ runtimeConfig }) => {
    const cidr = runtimeConfig?.networkConfig?.podCidr ?? "";
    if (cidr !== "") network.setPodCidr(cidr);
    return {};
  };
}
