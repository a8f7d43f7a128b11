import fc from "fast-check";

/** One change to some bytes; places are fractions of their length, since that changes. */
interface Patch {
  readonly kind: "flip" | "cut" | "end" | "copy" | "repeat" | "insert" | "overwrite";
  readonly at: number;
  readonly length: number;
  readonly bytes: Uint8Array;
}

/** Longest input that patches make, in bytes: long enough to show what is not linear. */
const longest = 256 * 1024;

/** Inputs that were changed in one to four places. */
export function patched(
  inputs: fc.Arbitrary<Uint8Array>,
  words: readonly (string | Uint8Array)[],
): fc.Arbitrary<Uint8Array> {
  const few = fc.uint8Array({ minLength: 1, maxLength: 6 });
  const bytes =
    words.length === 0
      ? few
      : fc.oneof(few, fc.constantFrom(...words.map((word) => new Uint8Array(Buffer.from(word)))));
  const fraction = fc.nat(0xffff).map((value) => value / 0x1_0000);
  const patch: fc.Arbitrary<Patch> = fc.record({
    kind: fc.oneof(
      {
        weight: 24,
        arbitrary: fc.constantFrom("flip", "cut", "end", "copy", "insert", "overwrite"),
      },
      fc.constant("repeat" as const),
    ),
    at: fraction,
    length: fraction,
    bytes,
  });
  return fc
    .tuple(inputs, fc.array(patch, { minLength: 1, maxLength: 4 }))
    .map(([input, patches]) => patches.reduce(applied, input));
}

function applied(input: Uint8Array, { kind, at, length, bytes }: Patch): Uint8Array {
  const from = Math.floor(at * (input.length + 1));
  const to = Math.min(input.length, from + Math.max(1, Math.floor(length * length * input.length)));
  const piece = input.subarray(from, to);
  const between = (middle: Uint8Array, rest = to): Uint8Array =>
    Buffer.concat([input.subarray(0, from), middle, input.subarray(rest)]).subarray(0, longest);
  switch (kind) {
    case "flip":
      return between(piece.map((byte, index) => byte ^ (bytes[index % bytes.length] as number)));
    case "cut":
      return between(Buffer.alloc(0));
    case "end":
      return input.subarray(0, from);
    case "copy":
      return between(Buffer.concat([piece, piece]));
    case "repeat": {
      const unit = piece.length > 0 && piece.length < 64 ? piece : bytes;
      return between(Buffer.alloc(Math.floor(length * length * longest), unit));
    }
    case "insert":
      return between(bytes, from);
    default:
      return between(bytes, from + bytes.length);
  }
}
