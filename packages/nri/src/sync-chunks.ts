import { toBinary } from "@bufbuild/protobuf";
import {
  type Container,
  ContainerSchema,
  type PodSandbox,
  PodSandboxSchema,
} from "./gen/nri/pkg/api/v1alpha1/api_pb.js";
import { maxMessage } from "./ttrpc-frames.js";

/** All that a runtime has, or one message's share of it. */
export interface Inventory {
  readonly pods: readonly PodSandbox[];
  readonly containers: readonly Container[];
}

/** What is not an item in a message: its other fields, and the call around it. */
const overhead = 1024;
/** A tag and a length before each item. */
const perItem = 6;

/** Shares an inventory out among as few messages as hold it; each item is in one, in order. */
export function syncChunks(
  { pods, containers }: Inventory,
  limit: number = maxMessage - overhead,
): Inventory[] {
  let chunk = { pods: [] as PodSandbox[], containers: [] as Container[] };
  const chunks = [chunk];
  let size = 0;
  const room = (bytes: number): void => {
    if (size > 0 && size + bytes > limit) {
      chunk = { pods: [], containers: [] };
      chunks.push(chunk);
      size = 0;
    }
    size += bytes;
  };
  for (const pod of pods) {
    room(toBinary(PodSandboxSchema, pod).length + perItem);
    chunk.pods.push(pod);
  }
  for (const container of containers) {
    room(toBinary(ContainerSchema, container).length + perItem);
    chunk.containers.push(container);
  }
  return chunks;
}
