import type { PodSandboxStatus } from "@dockershim/cri-types";

/** A pod's addresses, separated by commas; none on the node's network. */
export function podAddresses({ network }: PodSandboxStatus): string {
  const all = [network?.ip ?? "", ...(network?.additionalIps.map(({ ip }) => ip) ?? [])];
  return all.filter((ip) => ip !== "").join(", ");
}
