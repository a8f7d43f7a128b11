import { type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";

/** Far below CRI's 16 MiB, so that one more item of any legal size still fits. */
const chunkBytes = 1024 * 1024;

/**
 * Splits a list into messages for a streaming list: each item once, at least one item a message,
 * nothing for an empty list.
 *
 * @param schema The items' message, to know how large they are on the wire.
 */
export function listChunks<Desc extends DescMessage>(
  schema: Desc,
  items: readonly MessageShape<Desc>[],
): Generator<MessageShape<Desc>[]> {
  return chunksOf(items, (item) => toBinary(schema, item).length);
}

/** As {@link listChunks}, of items whose size on the wire somebody knows. */
export function* chunksOf<Item>(
  items: readonly Item[],
  sizeOf: (item: Item) => number,
): Generator<Item[]> {
  let chunk: Item[] = [];
  let size = 0;
  for (const item of items) {
    chunk.push(item);
    size += sizeOf(item);
    if (size >= chunkBytes) {
      yield chunk;
      chunk = [];
      size = 0;
    }
  }
  if (chunk.length > 0) yield chunk;
}
