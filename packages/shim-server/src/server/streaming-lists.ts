import {
  type Container,
  ContainerSchema,
  type Image,
  ImageSchema,
  type PodSandbox,
  PodSandboxSchema,
  type StreamContainersRequest,
  type StreamImagesRequest,
  type StreamPodSandboxesRequest,
} from "@dockershim/cri-types";
import type { ShimContext } from "../context.js";
import { createImageList } from "../image/image-list.js";
import { listChunks } from "../messages/list-chunks.js";
import { containerItems } from "../pods/container-list.js";
import { sandboxItems } from "../pods/sandbox-list.js";

/** StreamPodSandboxes: ListPodSandbox in pieces. */
export function createSandboxStream(
  context: ShimContext,
): (request: StreamPodSandboxesRequest) => AsyncIterable<{ podSandboxes: PodSandbox[] }> {
  return async function* ({ filter }) {
    await context.feed.ready();
    for (const podSandboxes of listChunks(PodSandboxSchema, sandboxItems(context, filter))) {
      yield { podSandboxes };
    }
  };
}

/** StreamContainers: ListContainers in pieces. */
export function createContainerStream(
  context: ShimContext,
): (request: StreamContainersRequest) => AsyncIterable<{ containers: Container[] }> {
  return async function* ({ filter }) {
    await context.feed.ready();
    for (const containers of listChunks(ContainerSchema, containerItems(context, filter))) {
      yield { containers };
    }
  };
}

/** StreamImages: ListImages in pieces. */
export function createImageStream(
  context: ShimContext,
): (request: StreamImagesRequest) => AsyncIterable<{ images: Image[] }> {
  const list = createImageList(context);
  return async function* ({ filter }) {
    const { images } = await list({ filter });
    for (const chunk of listChunks(ImageSchema, images)) yield { images: chunk };
  };
}
