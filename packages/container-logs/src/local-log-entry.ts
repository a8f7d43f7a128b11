/** One message as Docker's `local` log driver stored it. Fields are offsets and numbers, no copies. */
export interface LocalLogEntry {
  stream: "stdout" | "stderr";
  /** Whole seconds since the epoch. */
  seconds: number;
  /** Nanoseconds within the second. */
  nanos: number;
  /** Where the content begins and ends in the buffer. */
  contentStart: number;
  contentEnd: number;
  /** Whether the line goes on in the next message of the stream. */
  partial: boolean;
  /** Where the next message begins. */
  next: number;
}

/**
 * What {@link LocalLogReader.read} found: a message, the beginning of one, or what is none.
 */
export type LocalLogResult = "entry" | "incomplete" | "damaged";

export interface LocalLogReader {
  /** The last message that was read; overwritten by the next one. */
  readonly entry: LocalLogEntry;
  /** Reads the message that begins at an offset. */
  read(buffer: Buffer, at: number, end: number): LocalLogResult;
}

/** Docker cuts messages at 16 KiB; anything much longer than that is no length. */
const maxEntryBytes = 64 * 1024;

/** `stdout` or `stderr` as protobuf field 1, and a stamp, is the least that a message has. */
const minEntryBytes = 10;

/**
 * Reads the files of Docker's `local` log driver (moby `daemon/logger/local`).
 *
 * A message is framed by its length, four bytes big-endian, before and after it. It is protobuf
 * `LogEntry`: 1 source, 2 time in ns, 3 line without its line feed, 4 partial, 5 metadata of a
 * part, in which field 1 says that it is the last.
 */
export function createLocalLogReader(): LocalLogReader {
  const entry: LocalLogEntry = {
    stream: "stdout",
    seconds: 0,
    nanos: 0,
    contentStart: 0,
    contentEnd: 0,
    partial: false,
    next: 0,
  };
  // State of the message that is being decoded, kept out of closures for speed.
  let cursor = 0;

  function varint(buffer: Buffer, end: number): number {
    let value = 0;
    let scale = 1;
    while (cursor < end) {
      const byte = buffer[cursor++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    return -1;
  }

  /** Nanoseconds need 61 bits, more than a number holds exactly: long division in base 2^21. */
  function stamp(buffer: Buffer, end: number): boolean {
    let low = 0;
    let middle = 0;
    let high = 0;
    for (let index = 0; cursor < end; index++) {
      const byte = buffer[cursor++] as number;
      const bits = byte & 0x7f;
      if (index < 3) low += bits << (7 * index);
      else if (index < 6) middle += bits << (7 * (index - 3));
      else if (index < 9) high += bits << (7 * (index - 6));
      else return false;
      if (byte < 0x80) {
        const upper = high * 2_097_152 + middle;
        const quotient = Math.floor(upper / 1_000_000_000);
        const rest = (upper - quotient * 1_000_000_000) * 2_097_152 + low;
        const lower = Math.floor(rest / 1_000_000_000);
        entry.seconds = quotient * 2_097_152 + lower;
        entry.nanos = rest - lower * 1_000_000_000;
        return true;
      }
    }
    return false;
  }

  function isLast(buffer: Buffer, end: number): boolean {
    // Field 1 comes first when it is set, for the driver writes fields in order.
    return end - cursor >= 2 && buffer[cursor] === 0x08 && buffer[cursor + 1] === 1;
  }

  function decode(buffer: Buffer, start: number, end: number): boolean {
    if (buffer[start] !== 0x0a || buffer[start + 1] !== 6) return false;
    // "std" and the first letter that differs.
    const letter = buffer[start + 5];
    if (buffer[start + 2] !== 0x73 || (letter !== 0x6f && letter !== 0x65)) return false;
    entry.stream = letter === 0x6f ? "stdout" : "stderr";
    entry.partial = false;
    entry.contentStart = end;
    entry.contentEnd = end;
    cursor = start + 8;
    if (buffer[cursor++] !== 0x10 || !stamp(buffer, end)) return false;
    let partial = false;
    let last = false;
    while (cursor < end) {
      const tag = buffer[cursor++];
      if (tag === 0x20) {
        partial = varint(buffer, end) !== 0;
        continue;
      }
      // What later versions may add is skipped, as protobuf asks.
      const wire = (tag as number) & 7;
      if (wire === 0) {
        if (varint(buffer, end) < 0) return false;
        continue;
      }
      if (wire !== 2) return false;
      const length = varint(buffer, end);
      if (length < 0 || cursor + length > end) return false;
      if (tag === 0x1a) {
        entry.contentStart = cursor;
        entry.contentEnd = cursor + length;
      } else if (tag === 0x2a) {
        last = isLast(buffer, cursor + length);
      }
      cursor += length;
    }
    entry.partial = partial && !last;
    return true;
  }

  return {
    entry,
    read(buffer, at, end) {
      if (end - at < 4) return "incomplete";
      const length = buffer.readUInt32BE(at);
      if (length < minEntryBytes || length > maxEntryBytes) return "damaged";
      const start = at + 4;
      if (end - start < length + 4) {
        return beginsWithSource(buffer, start, end) ? "incomplete" : "damaged";
      }
      if (buffer.readUInt32BE(start + length) !== length) return "damaged";
      if (!decode(buffer, start, start + length)) return "damaged";
      entry.next = start + length + 4;
      return "entry";
    },
  };
}

/**
 * Whether what there is of a message begins as every message does. Four bytes amid damage may pass for a length,
 * and whoever believed them would wait for bytes that never come, while good messages stand behind.
 */
function beginsWithSource(buffer: Buffer, start: number, end: number): boolean {
  const length = Math.min(sourceField.length, end - start);
  for (let index = 0; index < length; index++) {
    if (buffer[start + index] !== sourceField[index]) return false;
  }
  return true;
}

const sourceField = Buffer.from([0x0a, 6, 0x73, 0x74, 0x64]);

/**
 * Where the next message may begin after damage, which a full disk or a killed engine leaves.
 *
 * @returns An offset of at least `at`: of a readable message, of one that is not complete yet, or,
 * when there is neither, close enough to `end` that nothing is missed.
 */
export function findLocalLogEntry(
  reader: LocalLogReader,
  buffer: Buffer,
  at: number,
  end: number,
): number {
  let from = at + 4;
  for (;;) {
    const found = buffer.subarray(0, end).indexOf(sourceField, from);
    if (found < 0) return Math.max(at, end - 8);
    if (reader.read(buffer, found - 4, end) !== "damaged") return found - 4;
    from = found + 1;
  }
}
