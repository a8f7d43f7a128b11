import {
  type Container,
  ContainerSchema,
  type PodSandbox,
  PodSandboxSchema,
  type StreamContainersRequest,
  type StreamPodSandboxesRequest,
} from "@dockershim/cri-types";
import { listChunks } from "../messages/list-chunks.js";
import { type ContainerListParts, containerItems } from "./container-list.js";
import { type SandboxListParts, sandboxItems } from "./sandbox-list.js";

/** StreamPodSandboxes: ListPodSandbox in pieces. */
export function createSandboxStream(
  parts: SandboxListParts,
): (request: StreamPodSandboxesRequest) => AsyncIterable<{ podSandboxes: PodSandbox[] }> {
  return async function* ({ filter }) {
    for (const podSandboxes of listChunks(PodSandboxSchema, sandboxItems(parts, filter))) {
      yield { podSandboxes };
    }
  };
}

/** StreamContainers: ListContainers in pieces. */
export function createContainerStream(
  parts: ContainerListParts,
): (request: StreamContainersRequest) => AsyncIterable<{ containers: Container[] }> {
  return async function* ({ filter }) {
    for (const containers of listChunks(ContainerSchema, containerItems(parts, filter))) {
      yield { containers };
    }
  };
}
