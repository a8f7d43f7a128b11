import { readSync } from "node:fs";

/** What the end of a log file tells of the messages that are in it. */
export interface LastStamp {
  readonly seconds: number;
  readonly nanos: number;
  /** How many lines at the end carry this stamp, line pieces counted. */
  readonly lines: number;
  /** Length of the file without a line that a crash left unfinished. */
  readonly wholeBytes: number;
}

const blockBytes = 256 * 1024;
const stampBytes = 30;
const lineFeed = 0x0a;

/**
 * Reads the stamp of the last line of a CRI log file that we wrote, and counts the lines with it.
 *
 * @returns undefined when no whole line is in it.
 */
export function readLastStamp(fd: number, size: number): LastStamp | undefined {
  let position = size;
  let rest = Buffer.alloc(0);
  let wholeBytes = 0;
  let stamp: string | undefined;
  let lines = 0;
  while (position > 0) {
    const length = Math.min(blockBytes, position);
    position -= length;
    const block = Buffer.alloc(length);
    readSync(fd, block, 0, length, position);
    const text = Buffer.concat([block, rest]);
    let end = text.length;
    if (wholeBytes === 0) {
      end = text.lastIndexOf(lineFeed) + 1;
      if (end === 0) {
        rest = text;
        continue;
      }
      wholeBytes = position + end;
    }
    while (end > 0) {
      const start = end < 2 ? 0 : text.lastIndexOf(lineFeed, end - 2) + 1;
      // The line may begin in the block before.
      if (start === 0 && position > 0) break;
      const found = text.toString("latin1", start, start + stampBytes);
      stamp ??= found;
      if (found !== stamp) return toLastStamp(stamp, lines, wholeBytes);
      lines++;
      end = start;
    }
    rest = text.subarray(0, end);
  }
  return stamp === undefined ? undefined : toLastStamp(stamp, lines, wholeBytes);
}

const pattern = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{9})Z$/;

function toLastStamp(text: string, lines: number, wholeBytes: number): LastStamp | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const seconds = Date.parse(`${match[1]}Z`) / 1000;
  return Number.isNaN(seconds)
    ? undefined
    : { seconds, nanos: Number(match[2]), lines, wholeBytes };
}
