import type { CriClient } from "@dockershim/cri-client";
import { NamespaceMode, PodSandboxState, type PodSandboxStatus } from "@dockershim/cri-types";

/** A pod's addresses, separated by commas; none on the node's network. */
export function podAddresses({ network }: PodSandboxStatus): string {
  const all = [network?.ip ?? "", ...(network?.additionalIps.map(({ ip }) => ip) ?? [])];
  return all.filter((ip) => ip !== "").join(", ");
}

/** First addresses of the ready sandboxes that have a network of their own, by the sandbox's id. */
export async function readAddresses(
  runtime: CriClient["runtime"],
  signal?: AbortSignal,
): Promise<Record<string, string>> {
  const options = signal === undefined ? {} : { signal };
  const ready = { state: { state: PodSandboxState.SANDBOX_READY } };
  const { items } = await runtime.listPodSandbox({ filter: ready }, options);
  const found: Record<string, string> = {};
  for (const { id } of items) {
    const { status } = await runtime.podSandboxStatus({ podSandboxId: id }, options);
    const ip = status?.network?.ip ?? "";
    const onNode = status?.linux?.namespaces?.options?.network === NamespaceMode.NODE;
    if (ip !== "" && !onNode) found[id] = ip;
  }
  return found;
}
