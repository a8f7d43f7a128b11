import {
  create,
  type DescField,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { ShimError } from "../shim-error.js";

/**
 * A reply in protobuf's encoding, in parts: a message is the concatenation of its fields, so a
 * reply can be put together from fields that were encoded once.
 */
export type EncodedReply = (request: Uint8Array) => readonly Uint8Array[];

/** How a call is answered ahead of the RPC framework. */
export interface HotCall {
  /**
   * It may wait for its turn, but for nobody else: there is no deadline, and nobody tells that the
   * caller has gone.
   */
  readonly reply: (
    request: Uint8Array,
  ) => ReturnType<EncodedReply> | Promise<ReturnType<EncodedReply>>;
  /** Whether there is an answer without waiting; default always. If not, the framework gives one. */
  readonly when?: () => boolean;
}

/** The bytes of a message. */
export function encode<Desc extends DescMessage>(
  schema: Desc,
  init: MessageInitShape<Desc>,
): Uint8Array {
  return toBinary(schema, create(schema, init));
}

/**
 * A message with a repeated field whose items are encoded already, for a handler of the RPC framework: what a
 * message does not know of its fields is encoded as it stands.
 *
 * @param items Each as its length and its bytes. In the message itself the field is empty.
 */
export function withEncodedItems<Desc extends DescMessage>(
  schema: Desc,
  { number: no }: DescField,
  items: readonly Uint8Array<ArrayBuffer>[],
): MessageShape<Desc> {
  const message = create(schema);
  message.$unknown = items.map((data) => ({ no, wireType: WireType.LengthDelimited, data }));
  return message;
}

/**
 * The message that bytes are.
 *
 * @throws ShimError `internal` for bytes that are none, as gRPC has it and in the words of the RPC
 * framework, which reads what is not read here.
 */
export function decode<Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
): MessageShape<Desc> {
  try {
    return fromBinary(schema, bytes);
  } catch (cause) {
    throw new ShimError("internal", `parse binary: ${String(cause)}`, { cause });
  }
}

/**
 * Bytes by the object they were made from, made anew when `version` is another one.
 *
 * What is cached hangs on its key and goes with it: records are replaced, never changed.
 */
export function createEncodedCache<K extends object, V>(): (
  key: K,
  version: V,
  make: () => Uint8Array,
) => Uint8Array {
  const cached = new WeakMap<K, { readonly version: V; readonly bytes: Uint8Array }>();
  return (key, version, make) => {
    const entry = cached.get(key);
    if (entry !== undefined && entry.version === version) return entry.bytes;
    const bytes = make();
    cached.set(key, { version, bytes });
    return bytes;
  };
}
