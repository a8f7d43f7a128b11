import {
  create,
  type DescField,
  type DescMessage,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf";
import fc from "fast-check";

/** A message as plain values by field, which `create` takes. */
export type Fields = Record<string, unknown>;

/** Nested messages go no deeper in CRI. */
const deepest = 6;

/** What fields are often called, with values that mean something there. */
const texts = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom("web", "a.b/c-d", "busybox:1", "main.log", "1", "10.0.0.1"),
  },
  fc.string({ maxLength: 12 }),
  fc.string({ unit: "binary", maxLength: 12 }),
);

const integers: Readonly<Partial<Record<ScalarType, fc.Arbitrary<unknown>>>> = {
  [ScalarType.INT32]: fc.oneof(fc.integer({ min: -2, max: 70_000 }), fc.integer()),
  [ScalarType.UINT32]: fc.oneof(fc.nat(9), fc.nat(2 ** 31 - 1)),
  [ScalarType.INT64]: fc.oneof(
    fc.bigInt({ min: -2n, max: 5_000_000n }),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  ),
  [ScalarType.UINT64]: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
};

/**
 * Requests of a method, generated from its descriptor: a good one of which some fields have other
 * values, and some that it had not are set.
 *
 * @param good The good request.
 * @param named Values for the text fields of these names, such as the ids of what is there.
 */
export function requestsOf(
  schema: DescMessage,
  good: Fields,
  named: Readonly<Record<string, readonly string[]>>,
): fc.Arbitrary<Message> {
  return changesOf(schema, named, 0).map((changes) => create(schema, merged(good, changes)));
}

function changesOf(
  schema: DescMessage,
  named: Readonly<Record<string, readonly string[]>>,
  depth: number,
): fc.Arbitrary<Fields> {
  const fields = schema.fields.flatMap((field): [string, fc.Arbitrary<unknown>][] => {
    const value = valuesOf(field, named, depth);
    if (value === undefined) return [];
    // Most fields stay as they are, or hardly any request would be a good one.
    const rarely = fc.option(value, { nil: undefined, freq: field.message ? 3 : 6 });
    const mostly = fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, rarely);
    if (field.oneof === undefined) return [[field.localName, mostly]];
    const chosen = mostly.map((inner) =>
      inner === undefined ? undefined : { case: field.localName, value: inner },
    );
    return [[field.oneof.localName, chosen]];
  });
  return fc
    .record(Object.fromEntries(fields))
    .map((all) =>
      Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)),
    );
}

function valuesOf(
  field: DescField,
  named: Readonly<Record<string, readonly string[]>>,
  depth: number,
): fc.Arbitrary<unknown> | undefined {
  const known = named[field.name];
  const text =
    known === undefined
      ? texts
      : fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...known) }, texts);
  const scalar = (type: ScalarType): fc.Arbitrary<unknown> =>
    type === ScalarType.STRING
      ? text
      : type === ScalarType.BYTES
        ? fc.uint8Array({ maxLength: 9 })
        : (integers[type] ?? (type === ScalarType.BOOL ? fc.boolean() : fc.double()));
  const message = (schema: DescMessage) =>
    depth > deepest ? undefined : changesOf(schema, named, depth + 1);
  switch (field.fieldKind) {
    case "scalar":
      return scalar(field.scalar);
    case "enum":
      return fc.integer({ min: -1, max: 5 });
    case "message":
      return message(field.message);
    case "map":
      return field.mapKind === "scalar" ? fc.dictionary(text, text, { maxKeys: 3 }) : undefined;
    default: {
      const element =
        field.listKind === "scalar"
          ? scalar(field.scalar)
          : field.listKind === "enum"
            ? fc.integer({ min: -1, max: 5 })
            : message(field.message);
      return element === undefined ? undefined : fc.array(element, { maxLength: 3 });
    }
  }
}

function merged(good: Fields, changes: Fields): Fields {
  const result = { ...good };
  for (const [key, value] of Object.entries(changes)) {
    const before = good[key];
    result[key] = isFields(before) && isFields(value) ? merged(before, value) : value;
  }
  return result;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !("case" in value);
}
