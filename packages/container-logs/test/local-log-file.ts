/** A message as Docker's `local` log driver is given it. */
export interface LocalMessage {
  stream: "stdout" | "stderr";
  /** Nanoseconds since the epoch. */
  time: bigint;
  line: Buffer;
  /** `more` for a part that is followed by others, `last` for the last one. */
  part?: "" | "more" | "last";
}

/** Writes messages as Docker's `local` log driver does (protobuf `LogEntry` between lengths). */
export function localLog(messages: readonly LocalMessage[]): Buffer {
  return Buffer.concat(
    messages.flatMap(({ stream, time, line, part = "" }) => {
      const entry = Buffer.concat([
        field(1, Buffer.from(stream)),
        time === 0n ? Buffer.from([0x10, 0]) : Buffer.concat([Buffer.from([0x10]), varint(time)]),
        ...(line.length > 0 ? [field(3, line)] : []),
        ...(part === "" ? [] : [Buffer.from([0x20, 1]), field(5, metadata(part === "last"))]),
      ]);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(entry.length);
      return [length, entry, length];
    }),
  );
}

function metadata(last: boolean): Buffer {
  return Buffer.concat([
    ...(last ? [Buffer.from([8, 1])] : []),
    field(2, Buffer.alloc(64, 0x61)),
    Buffer.from([0x18, 1]),
  ]);
}

function field(number: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varint(BigInt(content.length)), content]);
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Buffer.from(bytes);
}
