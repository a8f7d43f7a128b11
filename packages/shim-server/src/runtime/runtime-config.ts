import { CgroupDriver, type UpdateRuntimeConfigRequest } from "@dockershim/cri-types";
import type { PodNetwork } from "../network/pod-network.js";
import { cidrsProblem } from "../option-problems.js";
import { ShimError } from "../shim-error.js";
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

/**
 * UpdateRuntimeConfig: the node's pod address ranges, for CNI's `ipRanges` capability.
 *
 * @throws ShimError `invalid_argument` for what is no range; only the network plugins of the next pod would find out otherwise.
 */
export function createUpdateRuntimeConfig({
  network,
}: {
  readonly network: Pick<PodNetwork, "setPodCidr">;
}): (request: UpdateRuntimeConfigRequest) => Promise<Record<string, never>> {
  return async ({ runtimeConfig }) => {
    const cidr = runtimeConfig?.networkConfig?.podCidr ?? "";
    if (cidr === "") return {};
    const problem = cidrsProblem(cidr);
    if (problem !== undefined) {
      const field = "runtime_config.network_config.pod_cidr";
      throw new ShimError("invalid_argument", `${field}: ${problem}`);
    }
    network.setPodCidr(cidr);
    return {};
  };
}
