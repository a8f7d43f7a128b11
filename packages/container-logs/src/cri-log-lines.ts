import type { LocalLogEntry } from "./local-log-entry.js";

/** The longest content of a line; what is longer is cut in pieces, as containerd does. */
export const maxPieceBytes: number = 16 * 1024;

/** Most bytes that a line of the CRI format has besides its content. */
export const lineOverheadBytes = 42;

/** Writes lines of the CRI log format: `TIMESTAMP stdout|stderr P|F CONTENT LF`. */
export interface CriLogLines {
  /** Writes a message; the target must have room (see {@link lineRoom}). Returns the new end. */
  write(entry: LocalLogEntry, source: Buffer, target: Buffer, at: number): number;
}

/** Room that a message may take in the target. */
export function lineRoom(contentBytes: number): number {
  return contentBytes + (Math.floor(contentBytes / maxPieceBytes) + 1) * lineOverheadBytes;
}

const zero = 0x30;
const carriageReturn = 0x0d;
const markers = {
  stdout: { part: Buffer.from("Z stdout P "), full: Buffer.from("Z stdout F ") },
  stderr: { part: Buffer.from("Z stderr P "), full: Buffer.from("Z stderr F ") },
};
const markerBytes = 11;

/** Below this many bytes a loop copies faster than a call into native code. */
const smallCopy = 24;

/**
 * Makes a writer of CRI log lines. The bytes follow from the message and from nothing else: that
 * is what makes a position in one file tell the position in the other.
 *
 * @param tty Whether the container has a terminal. That ends lines with CR LF where the program
 * wrote LF, so the CR before the LF is dropped; without one a CR is the program's own and stays.
 */
export function createCriLogLines({ tty }: { tty: boolean }): CriLogLines {
  // "2026-11-23T14:15:00." of the second that was written last.
  const prefix = Buffer.alloc(20);
  let prefixSecond = Number.NaN;

  function writeStamp({ seconds, nanos }: LocalLogEntry, target: Buffer, at: number): number {
    if (seconds !== prefixSecond) {
      prefix.write(new Date(seconds * 1000).toISOString(), 0, 20, "latin1");
      prefixSecond = seconds;
    }
    for (let index = 0; index < 20; index++) target[at + index] = prefix[index] as number;
    let rest = nanos;
    for (let index = 28; index >= 20; index--) {
      const quotient = (rest / 10) | 0;
      target[at + index] = zero + rest - quotient * 10;
      rest = quotient;
    }
    return at + 29;
  }

  return {
    write(entry, source, target, at) {
      const kinds = markers[entry.stream];
      let end = entry.contentEnd;
      if (tty && !entry.partial && end > entry.contentStart && source[end - 1] === carriageReturn) {
        end--;
      }
      let from = entry.contentStart;
      let position = at;
      for (;;) {
        const to = Math.min(end, from + maxPieceBytes);
        const marker = to < end || entry.partial ? kinds.part : kinds.full;
        position = writeStamp(entry, target, position);
        for (let index = 0; index < markerBytes; index++) {
          target[position + index] = marker[index] as number;
        }
        position += markerBytes;
        const length = to - from;
        if (length <= smallCopy) {
          for (let index = 0; index < length; index++) {
            target[position + index] = source[from + index] as number;
          }
        } else {
          source.copy(target, position, from, to);
        }
        position += length;
        target[position++] = 0x0a;
        if (to === end) return position;
        from = to;
      }
    },
  };
}
