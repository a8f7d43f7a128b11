import { toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import {
  type Container,
  ContainerStatsSchema,
  ListContainerStatsRequestSchema,
  ListContainerStatsResponseSchema,
} from "@dockershim/cri-types";
import { decode } from "../messages/encoded.js";
import { createStoragePath } from "../state/storage-path.js";
import {
  attributesOf,
  type ContainerStatsParts,
  figuresAlone,
  figuresOf,
  matchingContainers,
} from "./container-stats.js";

/**
 * ListContainerStats as bytes, for the hot calls: request in, parts of the reply out.
 *
 * Each container is encoded as soon as it is read, and its attributes only once: so a call leaves
 * little that outlives it, which is what makes a heap grow.
 */
export function createContainerStatsReply({
  store,
  stats: source,
  engine,
}: Pick<ContainerStatsParts, "store" | "stats" | "engine">): (request: Uint8Array) => Uint8Array[] {
  const storagePath = createStoragePath(engine);
  // By the list item, which is replaced with its record and never changed.
  const attributes = new WeakMap<Container, Uint8Array>();

  return (request) => {
    const { filter } = decode(ListContainerStatsRequestSchema, request);
    const mountpoint = storagePath();
    const parts: Uint8Array[] = [];
    for (const record of matchingContainers(store, filter)) {
      const figures = figuresOf(record, source);
      if (figures === null) continue;
      let named = attributes.get(record.item);
      if (named === undefined) {
        named = toBinary(ContainerStatsSchema, {
          $typeName: "runtime.v1.ContainerStats",
          attributes: attributesOf(record),
        });
        attributes.set(record.item, named);
      }
      const stats = figuresAlone(figures, source.layer(record.id), mountpoint);
      const rest = toBinary(ContainerStatsSchema, stats);
      parts.push(prefixOf(named.length + rest.length), named, rest);
    }
    return parts;
  };
}

const { number: statsField } = ListContainerStatsResponseSchema.field.stats;

/** Tag and length of one message in the reply. */
function prefixOf(length: number): Uint8Array {
  return new BinaryWriter().tag(statsField, WireType.LengthDelimited).uint32(length).finish();
}
