import {
  clone,
  create,
  type DescField,
  type DescMessage,
  type Message,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";

/** One field made hostile in one way. */
export interface Mutation {
  /** `config.metadata.name = newline`, for messages. */
  readonly name: string;
  /** @returns The encoded request with that field; the request itself stays as it is. */
  encode(request: Message): Uint8Array;
}

/** Stands in for bytes that are no UTF-8 until a message has been encoded. */
const invalidMark = "\u0001no-utf-8-here\u0001";

/** What a text can be made of to get somewhere that it should not. */
const texts: Readonly<Record<string, string>> = {
  newline: "a\nnameserver 6.6.6.6\nb",
  NUL: "a\0b",
  parents: "../../../../../../../../tmp/dockershim-hostile",
  absolute: "/proc/self/dockershim-hostile/x",
  credentials: "https://user:hostile-secret@registry.example/x",
  "a long name": "n".repeat(300),
  "a mebibyte": "m".repeat(1024 * 1024),
  quotes: "'\"`$(touch /tmp/dockershim-hostile)`{{.}}%s%n\u202e😀\ud83d",
  prototype: "__proto__",
  "no UTF-8": invalidMark,
};

const integers: Readonly<Partial<Record<ScalarType, readonly (bigint | number)[]>>> = {
  [ScalarType.INT32]: [-(2 ** 31), -1, 2 ** 31 - 1],
  [ScalarType.UINT32]: [2 ** 32 - 1],
  [ScalarType.INT64]: [-(2n ** 63n), -1n, 2n ** 63n - 1n],
  [ScalarType.UINT64]: [2n ** 64n - 1n],
};

/** Nested messages go no deeper in CRI. */
const deepest = 6;

type Fields = Record<string, unknown>;

/**
 * Every way to make one field of a request hostile, generated from its descriptor: each text, each
 * number at its extremes, each enumeration with a value that it has not. Messages that the request
 * does not have are added for it.
 */
export function* mutationsOf(schema: DescMessage): Generator<Mutation> {
  for (const { name, apply } of changesTo(schema, (root) => root, "", 0)) {
    yield {
      name,
      encode(request) {
        const changed = clone(schema, request) as unknown as Fields;
        apply(changed);
        return encode(schema, changed);
      },
    };
  }
}

interface Change {
  readonly name: string;
  readonly apply: (root: Fields) => void;
}

/** @param locate Finds the message at `path` in a request, or adds it. */
function* changesTo(
  desc: DescMessage,
  locate: (root: Fields) => Fields,
  path: string,
  depth: number,
): Generator<Change> {
  if (depth > deepest) return;
  for (const field of desc.fields) {
    for (const [value, what] of valuesOf(field)) {
      const name = `${path}${field.name} = ${what}`;
      yield { name, apply: (root) => set(locate(root), field, value) };
    }
    const below = field.message;
    if (below === undefined || field.fieldKind === "map") continue;
    const inner = (root: Fields): Fields => {
      const message = locate(root);
      const known = get(message, field) as Fields | Fields[] | undefined;
      const child =
        (Array.isArray(known) ? known[0] : known) ?? (create(below) as unknown as Fields);
      set(message, field, field.fieldKind === "list" ? [child] : child);
      return child;
    };
    const brackets = field.fieldKind === "list" ? "[0]" : "";
    yield* changesTo(below, inner, `${path}${field.name}${brackets}.`, depth + 1);
  }
}

function valuesOf(field: DescField): [value: unknown, what: string][] {
  const named = Object.entries(texts);
  const extremes = (type: ScalarType) => integers[type] ?? [];
  if (field.fieldKind === "scalar") {
    return field.scalar === ScalarType.STRING
      ? named.map(([what, text]) => [text, what])
      : extremes(field.scalar).map((value) => [value, String(value)]);
  }
  if (field.fieldKind === "enum") return [-1, 99].map((value) => [value, String(value)]);
  if (field.fieldKind === "list" && field.listKind === "scalar") {
    return field.scalar === ScalarType.STRING
      ? named.map(([what, text]) => [[text], what])
      : extremes(field.scalar).map((value) => [[value], String(value)]);
  }
  if (field.fieldKind === "map" && field.mapKind === "scalar") {
    return named.flatMap(([what, text]): [unknown, string][] => [
      [Object.fromEntries([[text, "v"]]), `a key of ${what}`],
      [{ k: text }, `a value of ${what}`],
    ]);
  }
  return [];
}

function get(message: Fields, field: DescField): unknown {
  if (field.oneof === undefined) return message[field.localName];
  const choice = message[field.oneof.localName] as { case?: string; value?: unknown };
  return choice.case === field.localName ? choice.value : undefined;
}

function set(message: Fields, field: DescField, value: unknown): void {
  if (field.oneof === undefined) message[field.localName] = value;
  else message[field.oneof.localName] = { case: field.localName, value };
}

function encode(schema: DescMessage, message: Fields): Uint8Array {
  const bytes = Buffer.from(toBinary(schema, message as unknown as Message));
  const mark = Buffer.from(invalidMark);
  for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at)) {
    bytes.fill(0xff, at, at + mark.length);
  }
  return bytes;
}
