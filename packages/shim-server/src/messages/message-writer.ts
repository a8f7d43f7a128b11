/**
 * Writes protobuf's encoding into one buffer, without an object for each field: for replies
 * of thousands of small messages, of which protobuf's own encoder takes the most time.
 *
 * Tags are those of {@link varintTag} and {@link lengthDelimitedTag}.
 */
export interface MessageWriter {
  /** How many bytes were written. */
  length(): number;
  /** What was written, in the buffer itself: until something more is written. */
  view(start?: number, end?: number): Uint8Array<ArrayBuffer>;
  /** Forgets all that was written. */
  clear(): void;
  /** Fields that are encoded already. */
  raw(fields: Uint8Array): void;
  /** A field of a number: whole, not negative, at most 64 bits. */
  number(tag: number, value: number | bigint): void;
  /** A field of a message that has a number and no other field, such as CRI's UInt64Value. */
  wrappedNumber(tag: number, innerTag: number, value: number | bigint): void;
  /** A field of text, written also where it is empty, as repeated fields are. */
  string(tag: number, text: string): void;
  /** Begins a nested message. @returns What `end` wants. */
  begin(tag: number): number;
  /** Ends the nested message, and puts its length before it. */
  end(begun: number): void;
}

/** Field numbers up to here have a tag of one byte, which is all that is written here. */
const largestField = 15;

/** The tag of a number or an enum. */
export function varintTag({ number }: { readonly number: number }): number {
  return tagOf(number, 0);
}

/** The tag of a string or a message. */
export function lengthDelimitedTag({ number }: { readonly number: number }): number {
  return tagOf(number, 2);
}

function tagOf(number: number, wireType: number): number {
  if (number > largestField) throw new RangeError(`field ${number} has a tag of several bytes`);
  return (number << 3) | wireType;
}

/** A number has its tag and at most ten bytes: seven bits in each. */
const numberBytes = 11;

/** Bytes left for the length of a nested message, right for 128 to 16,383 bytes; others are moved. */
const lengthRoom = 2;

/** Up to here a loop is quicker than a call of the encoder, and a length has one byte. */
const shortText = 64;

/** @param initialBytes Room that is there from the beginning; it grows when that is not enough. */
export function createMessageWriter(initialBytes: number = 4 * 1024): MessageWriter {
  let bytes = Buffer.allocUnsafeSlow(initialBytes);
  let length = 0;

  function reserve(more: number): void {
    if (length + more <= bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(length + more, bytes.length * 2));
    bytes.copy(larger, 0, 0, length);
    bytes = larger;
  }

  function varint(value: number | bigint): void {
    let rest = value;
    // The top three of 64 bits and all below them are too many for a number.
    while (typeof rest === "bigint" && rest > Number.MAX_SAFE_INTEGER) {
      bytes[length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    let small = Number(rest);
    // Operators on bits take 32 of them only.
    while (small > 0x7fff_ffff) {
      bytes[length++] = (small % 0x80) | 0x80;
      small = Math.floor(small / 0x80);
    }
    while (small > 0x7f) {
      bytes[length++] = (small & 0x7f) | 0x80;
      small >>>= 7;
    }
    bytes[length++] = small;
  }

  /** @returns False for text with other characters, of which nothing counts as written. */
  function ascii(text: string): boolean {
    let at = length;
    bytes[at++] = text.length;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) return false;
      bytes[at++] = code;
    }
    length = at;
    return true;
  }

  return {
    length: () => length,
    view: (start = 0, end = length) => bytes.subarray(start, end),
    clear() {
      length = 0;
    },
    raw(fields) {
      reserve(fields.length);
      bytes.set(fields, length);
      length += fields.length;
    },
    number(tag, value) {
      reserve(numberBytes);
      bytes[length++] = tag;
      varint(value);
    },
    wrappedNumber(tag, innerTag, value) {
      reserve(2 + numberBytes);
      bytes[length++] = tag;
      const begun = ++length;
      // Zero is what an absent number is.
      if (value > 0) {
        bytes[length++] = innerTag;
        varint(value);
      }
      bytes[begun - 1] = length - begun;
    },
    string(tag, text) {
      // A unit of UTF-16 has at most three bytes, and a length at most five.
      reserve(6 + text.length * 3);
      bytes[length++] = tag;
      if (text.length <= shortText && ascii(text)) return;
      varint(Buffer.byteLength(text));
      length += bytes.write(text, length);
    },
    begin(tag) {
      reserve(1 + lengthRoom);
      bytes[length++] = tag;
      length += lengthRoom;
      return length;
    },
    end(begun) {
      const size = length - begun;
      const shift = varintSize(size) - lengthRoom;
      if (shift !== 0) {
        reserve(shift);
        bytes.copyWithin(begun + shift, begun, length);
      }
      length = begun - lengthRoom;
      varint(size);
      length += size;
    },
  };
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) size++;
  return size;
}
