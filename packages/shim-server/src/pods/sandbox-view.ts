import type { PodSandbox, PodSandboxStatus } from "@dockershim/cri-types";
import { PodSandboxState } from "@dockershim/cri-types";
import { toPodSandboxStatus } from "@dockershim/pod-sandbox";
import type { PodNetwork } from "../network/pod-network.js";
import type { SandboxRecord } from "../state/records.js";
import { isReady } from "./sandbox-readiness.js";

type Network = Pick<PodNetwork, "addresses">;

/** The list item of a sandbox, with the state that its network gives it. */
export function sandboxItem(record: SandboxRecord, network: Network): PodSandbox {
  const { item } = record;
  if (item.state !== PodSandboxState.SANDBOX_READY || isReady(record, network)) return item;
  return { ...item, state: PodSandboxState.SANDBOX_NOTREADY };
}

/** The full status of a sandbox. */
export function sandboxStatus(record: SandboxRecord, network: Network): PodSandboxStatus {
  const ips = network.addresses(record.id, record.inspect.State.Pid);
  const status = toPodSandboxStatus({
    inspect: record.inspect,
    ...(ips === undefined ? {} : { ips }),
  });
  status.state = sandboxItem(record, network).state;
  return status;
}
