import {
  ContainerStatusRequestSchema,
  ContainerStatusResponseSchema,
  ListContainersRequestSchema,
  ListContainersResponseSchema,
  ListPodSandboxRequestSchema,
  ListPodSandboxResponseSchema,
  PodSandboxStatusRequestSchema,
  PodSandboxStatusResponseSchema,
} from "@dockershim/cri-types";
import { createEncodedCache, decode, type EncodedReply, encode } from "../messages/encoded.js";
import { requireContainer } from "../state/container-lookup.js";
import type { ImageStore } from "../state/image-store.js";
import type { ContainerRecord, SandboxRecord } from "../state/records.js";
import { requireSandbox } from "../state/sandbox-lookup.js";
import { type ContainerListParts, containerItems } from "./container-list.js";
import { type ContainerStatusParts, containerStatusReply } from "./container-status.js";
import { type SandboxListParts, sandboxItems } from "./sandbox-list.js";
import { type SandboxStatusParts, sandboxStatusReply } from "./sandbox-status.js";

// Each answers as its ordinary handler does, and shares with it every function that decides
// content. What is repeated is encoded once per record.

/** ListContainers. */
export function createHotContainerList(parts: ContainerListParts): EncodedReply {
  const fields = createEncodedCache<object, undefined>();
  return (request) => {
    const { filter } = decode(ListContainersRequestSchema, request);
    return containerItems(parts, filter).map((item) =>
      fields(item, undefined, () => encode(ListContainersResponseSchema, { containers: [item] })),
    );
  };
}

/** ListPodSandbox. */
export function createHotSandboxList(parts: SandboxListParts): EncodedReply {
  const fields = createEncodedCache<object, undefined>();
  return (request) => {
    const { filter } = decode(ListPodSandboxRequestSchema, request);
    return sandboxItems(parts, filter).map((item) =>
      fields(item, undefined, () => encode(ListPodSandboxResponseSchema, { items: [item] })),
    );
  };
}

/** A container's status also changes with its image's names. */
type Versioned = { readonly images: Pick<ImageStore, "version"> };

/** ContainerStatus. */
export function createHotContainerStatus(parts: ContainerStatusParts & Versioned): EncodedReply {
  const statuses = createEncodedCache<ContainerRecord, number>();
  return (request) => {
    const message = decode(ContainerStatusRequestSchema, request);
    const reply = (): Uint8Array =>
      encode(ContainerStatusResponseSchema, containerStatusReply(parts, message));
    if (message.verbose) return [reply()];
    const record = requireContainer(parts.store, message.containerId);
    return [statuses(record, parts.images.version, reply)];
  };
}

/** PodSandboxStatus. */
export function createHotSandboxStatus(parts: SandboxStatusParts): EncodedReply {
  const { store, network } = parts;
  const statuses = createEncodedCache<SandboxRecord, readonly string[] | undefined>();
  return (request) => {
    const message = decode(PodSandboxStatusRequestSchema, request);
    const reply = (): Uint8Array =>
      encode(PodSandboxStatusResponseSchema, sandboxStatusReply(parts, message));
    if (message.verbose) return [reply()];
    const record = requireSandbox(store, message.podSandboxId);
    return [statuses(record, network.addresses(record.id, record.inspect.State.Pid), reply)];
  };
}
