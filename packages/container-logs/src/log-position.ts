import { closeSync, constants, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";

/**
 * A point that one container's copy has reached: so many bytes of Docker's file are so many bytes
 * of ours. What our file holds beyond it follows from Docker's file, byte by byte.
 */
export interface LogPosition {
  /** {@link fileIdentity} of Docker's file. */
  readonly source: string;
  /** Offset in it, the beginning of a message. */
  readonly sourceOffset: number;
  /** Identity of the file that we write. */
  readonly target: string;
  /** Its length at that point. */
  readonly targetOffset: number;
  /**
   * Set while the target changes hands: the old one is complete at `targetOffset`, and the file
   * that is at the path next goes on from this point at this length.
   */
  readonly nextTargetOffset?: number | undefined;
}

/** Keeps the position of one container. */
export interface LogPositionFile {
  /** The last position that was saved, or undefined when there is none or no good one. */
  load(): LogPosition | undefined;
  /** Survives a kill at any moment: either this position or the one before is found afterwards. */
  save(position: LogPosition): void;
}

/** Two slots that are written in turn, each in one piece of one page. */
const slotBytes = 512;

export function createLogPositionFile(path: string): LogPositionFile {
  let sequence = 0;
  let known: LogPosition | undefined;

  function load(): LogPosition | undefined {
    let content: Buffer;
    try {
      const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
      try {
        const buffer = Buffer.alloc(2 * slotBytes);
        content = buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, 0));
      } finally {
        closeSync(fd);
      }
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw err;
    }
    sequence = 0;
    known = undefined;
    for (const start of [0, slotBytes]) {
      const slot = decodeSlot(content.subarray(start, start + slotBytes));
      if (slot !== undefined && slot.sequence > sequence) {
        sequence = slot.sequence;
        known = slot.position;
      }
    }
    return known;
  }

  return {
    load: () => load(),
    save(position) {
      if (known !== undefined && same(known, position)) return;
      const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;
      const fd = openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
      try {
        if (sequence === 0) ftruncateSync(fd, 2 * slotBytes);
        const slot = encodeSlot(sequence + 1, position);
        writeSync(fd, slot, 0, slot.length, ((sequence + 1) % 2) * slotBytes);
        sequence++;
        known = position;
      } finally {
        closeSync(fd);
      }
    },
  };
}

function same(a: LogPosition, b: LogPosition): boolean {
  return (
    a.source === b.source &&
    a.sourceOffset === b.sourceOffset &&
    a.target === b.target &&
    a.targetOffset === b.targetOffset &&
    a.nextTargetOffset === b.nextTargetOffset
  );
}

/** A slot: checksum in hex, space, JSON, spaces up to a line feed at its end. */
export function encodeSlot(sequence: number, position: LogPosition): Buffer {
  const body = JSON.stringify({ version: 1, sequence, ...position }).padEnd(slotBytes - 10);
  const slot = Buffer.from(`${checksum(body)} ${body}\n`);
  if (slot.length !== slotBytes) throw new RangeError("a log position does not fit its slot");
  return slot;
}

/** Returns undefined for what is no whole slot. */
export function decodeSlot(slot: Buffer): { sequence: number; position: LogPosition } | undefined {
  if (slot.length !== slotBytes) return undefined;
  const body = slot.toString("utf8", 9, slotBytes - 1);
  if (slot.toString("latin1", 0, 8) !== checksum(body)) return undefined;
  const { version, sequence, ...position } = JSON.parse(body) as LogPosition & {
    version: number;
    sequence: number;
  };
  return version === 1 ? { sequence, position } : undefined;
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, "0");
}
