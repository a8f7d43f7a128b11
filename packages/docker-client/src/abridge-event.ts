/** Longest string outside of the attributes that is kept whole, in bytes; a longer one is cut. */
const maxStringLength = 4 * 1024;

/** Attributes whose name or value is longer are left out, as are those past `maxAttributesLength`. */
const maxAttributesLength = 64 * 1024;

/** What an abridged event may come to; no engine has so many members around the attributes. */
const maxLength = 2 * maxAttributesLength;

/** The attributes are the third object: the event, its `Actor`, their `Attributes`. */
const attributesDepth = 3;

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const letterU = 0x75;
const openings: readonly number[] = [0x5b, 0x7b];
const closings: readonly number[] = [0x5d, 0x7d];

/** Shortens an event of any length as it comes. */
export interface EventAbridger {
  push(chunk: Uint8Array): void;
  /** The JSON that is left; empty when there was no event to make out. */
  end(): string;
}

/**
 * An event carries all labels of its container or image, and an action its whole command, so that
 * whoever names an image decides how long its events are. This keeps the event itself and as many
 * of its attributes as fit into a bounded buffer.
 */
export function createEventAbridger(): EventAbridger {
  const kept = Buffer.allocUnsafe(maxLength);
  let length = 0;
  let overflowed = false;
  let depth = 0;
  // Within a string: how many of its bytes have come, how many still belong to an escape, and
  // whether the rest of it is left out.
  let inString = false;
  let stringLength = 0;
  let escapeLeft = 0;
  let cut = false;
  // Of the attributes: where they and the present one begin, and whether that one is too long.
  let attributesStart = 0;
  let attributeStart = 0;
  let attributeTooLong = false;

  function keep(byte: number): void {
    if (length < maxLength) kept[length++] = byte;
    else overflowed = true;
  }

  function endAttribute(): void {
    if (attributeTooLong || length - attributesStart > maxAttributesLength) length = attributeStart;
    attributeTooLong = false;
  }

  function takeOfString(byte: number): void {
    if (escapeLeft > 0) {
      escapeLeft = byte === letterU ? 4 : escapeLeft - 1;
    } else if (byte === quote) {
      inString = false;
      keep(byte);
      return;
    } else {
      // A string is cut between two characters, never within an escape.
      cut = stringLength >= maxStringLength;
      attributeTooLong ||= cut;
      if (byte === backslash) escapeLeft = 1;
    }
    stringLength++;
    if (!cut) keep(byte);
  }

  function takeOfStructure(byte: number): void {
    if (byte === quote) {
      inString = true;
      stringLength = 0;
      cut = false;
      keep(byte);
    } else if (openings.includes(byte)) {
      keep(byte);
      if (++depth === attributesDepth) {
        attributesStart = length;
        attributeStart = length;
        attributeTooLong = false;
      }
    } else if (closings.includes(byte)) {
      if (depth-- === attributesDepth) endAttribute();
      keep(byte);
    } else if (byte === comma && depth === attributesDepth) {
      endAttribute();
      attributeStart = length;
      if (length > attributesStart) keep(byte);
    } else {
      keep(byte);
    }
  }

  return {
    push(chunk) {
      for (let at = 0; at < chunk.length; at++) {
        if (cut && inString && escapeLeft === 0) at = endOfPlain(chunk, at);
        const byte = chunk[at];
        if (byte === undefined) break;
        if (inString) takeOfString(byte);
        else takeOfStructure(byte);
      }
    },
    end: () => (overflowed ? "" : kept.toString("utf8", 0, length)),
  };
}

/** Where the next quote or backslash is: most of a long event is skipped in this loop. */
function endOfPlain(chunk: Uint8Array, from: number): number {
  let at = from;
  while (at < chunk.length && chunk[at] !== quote && chunk[at] !== backslash) at++;
  return at;
}
