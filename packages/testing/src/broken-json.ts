import fc from "fast-check";

/** What may stand where something else is expected. */
const strangers: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e300,
  Number.MAX_SAFE_INTEGER,
  "",
  "0",
  "a\0b",
  "\u{1f600}\ud800",
  "../..",
  "__proto__",
  [],
  {},
  [[]],
  [null],
  { toString: 1 },
  { __proto__: null, "": {} },
];

/** Words for the text of JSON, for {@link FuzzTarget.words}. */
export const jsonWords: readonly string[] = [
  ...["{", "}", "[", "]", ",", ":", '"', "\\", "\\ud800", "\\u0000", "\ufeff", "\0"],
  ...["null", "true", "1e999", "-0", "18446744073709551616", '"__proto__":', '"":', "[[[[[[[["],
];

/**
 * JSON texts of these values, some as they are, and some with one to three members exchanged for
 * something of another kind, or with a member that they had not.
 */
export function brokenJson(values: fc.Arbitrary<unknown>): fc.Arbitrary<Uint8Array> {
  const stranger = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...strangers) },
    fc.jsonValue({ maxDepth: 2 }),
  );
  const change = fc.record({ which: fc.nat(0xffff), stranger });
  return fc
    .tuple(values, fc.array(change, { maxLength: 3 }))
    .map(([value, changes]) =>
      Buffer.from(
        JSON.stringify(
          changes.reduce((now, { which, stranger: other }) => exchange(now, which, other), value),
        ) ?? "",
      ),
    );
}

/** A copy of a value with one of the values in it exchanged. */
function exchange(value: unknown, which: number, other: unknown): unknown {
  const root = { value: structuredClone(value) };
  const places: [holder: Record<string, unknown>, key: string][] = [];
  const collect = (holder: object): void => {
    for (const [key, inner] of Object.entries(holder)) {
      places.push([holder as Record<string, unknown>, key]);
      if (typeof inner === "object" && inner !== null) collect(inner);
    }
  };
  collect(root);
  const place = places[which % places.length];
  if (place !== undefined) place[0][place[1]] = other;
  return root.value;
}
