import {
  ContainerEventResponseSchema,
  type ContainerEventType,
  type ContainerStatus,
  type PodSandboxStatus,
} from "@dockershim/cri-types";
import type { CallContext } from "../call.js";
import { encode } from "../messages/encoded.js";
import { maxMessageBytes } from "../messages/message-size.js";
import type { PodNetwork } from "../network/pod-network.js";
import { type ContainerViewParts, containerStatus } from "../pods/container-view.js";
import { sandboxStatus } from "../pods/sandbox-view.js";
import type { Store, StoreChange } from "../state/store.js";
import { createEventHub } from "./event-hub.js";
import { eventTypes } from "./event-types.js";

/** What the events are made from. */
export interface ContainerEventsParts extends ContainerViewParts {
  readonly store: Pick<Store, "onChange" | "sandbox" | "containersOf">;
  readonly network: Pick<PodNetwork, "addresses">;
}

/** An event of a container or sandbox with the state of its whole pod. */
export interface ContainerEvent {
  containerId: string;
  containerEventType: ContainerEventType;
  /** Nanoseconds since the epoch; never goes back. */
  createdAt: bigint;
  podSandboxStatus?: PodSandboxStatus;
  containersStatuses: ContainerStatus[];
}

/** CRI events for the kubelet's evented PLEG. */
export interface ContainerEvents {
  /** GetContainerEvents. */
  subscribe(request: unknown, call: CallContext): AsyncIterable<ContainerEvent>;
  close(): void;
}

/** A kubelet reads at once; a reader that is so far behind is stuck. */
const limits = { events: 1_000, bytes: maxMessageBytes };

/** Turns changes of the store into CRI events. */
export function createContainerEvents(parts: ContainerEventsParts): ContainerEvents {
  const { store, network } = parts;
  const hub = createEventHub<ContainerEvent>(
    limits,
    (event) => encode(ContainerEventResponseSchema, event).length,
  );
  let last = 0n;

  function timestamp(): bigint {
    const now = BigInt(Date.now()) * 1_000_000n;
    last = now > last ? now : last + 1n;
    return last;
  }

  function pod(
    change: StoreChange,
  ): Pick<ContainerEvent, "podSandboxStatus" | "containersStatuses"> {
    const record = change.after ?? change.before;
    const sandboxId = record?.kind === "container" ? record.sandboxId : change.id;
    // Of a sandbox that is gone the last state is told: without metadata the kubelet drops it.
    const sandbox = store.sandbox(sandboxId) ?? (record?.kind === "sandbox" ? record : undefined);
    const containersStatuses = store
      .containersOf(sandboxId)
      .map((container) => containerStatus(container, parts));
    return sandbox === undefined
      ? { containersStatuses }
      : { podSandboxStatus: sandboxStatus(sandbox, network), containersStatuses };
  }

  const stop = store.onChange((change) => {
    if (!hub.subscribed) return;
    for (const containerEventType of eventTypes(change.before, change.after)) {
      hub.publish({
        containerId: change.id,
        containerEventType,
        createdAt: timestamp(),
        ...pod(change),
      });
    }
  });

  return {
    subscribe: (_request, { signal }) => hub.subscribe(signal),
    close() {
      stop();
      hub.close();
    },
  };
}
