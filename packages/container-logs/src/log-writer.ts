import { type LastStamp, readLastStamp } from "./last-stamp.js";
import type { LogTarget } from "./log-target.js";

/** Appends lines to a log, through a full disk and from one file to the next. */
export interface LogWriter {
  /** Identity and length of the file. */
  readonly identity: string;
  readonly length: number;
  /** Whether lines wait that the file did not take. */
  readonly waits: boolean;
  /**
   * Appends the bytes from one offset to another; where they begin within a line, the one before
   * them is its. What the file does not take waits.
   *
   * @throws What the system says.
   */
  append(bytes: Buffer, from: number, to: number): void;
  /** Appends what waits. @throws What the system says. */
  flush(): void;
  /** What the file ends with; a line that a crash left unfinished is cut off. */
  cutToLastStamp(): LastStamp | undefined;
  /** Goes on in another file. What waits goes there from its first whole line on. */
  moveTo(next: LogTarget): void;
  /** Whether no name leads to the file any more; looked at each second at most. */
  isRemoved(): boolean;
  close(): void;
}

/** How often it is looked whether the file still has a name. */
const removedCheckMs = 1_000;

const lineFeed = 0x0a;

export function createLogWriter(first: LogTarget): LogWriter {
  let target = first;
  let length = first.openedSize;
  let waiting: Buffer | undefined;
  /** Whether what waits begins within a line, the beginning of which is in the file. */
  let withinLine = false;
  let checkedAt = Date.now();

  function append(bytes: Buffer, from: number, to: number): void {
    let at = from;
    try {
      while (at < to) {
        const written = target.append(bytes, at, to);
        at += written;
        length += written;
      }
      waiting = undefined;
    } catch (err) {
      withinLine = at === from ? withinLine : bytes[at - 1] !== lineFeed;
      waiting = Buffer.from(bytes.subarray(at, to));
      throw err;
    }
  }

  return {
    get identity() {
      return target.identity;
    },
    get length() {
      return length;
    },
    get waits() {
      return waiting !== undefined;
    },
    append(bytes, from, to) {
      withinLine = from > 0 && bytes[from - 1] !== lineFeed;
      append(bytes, from, to);
    },
    flush() {
      if (waiting !== undefined) append(waiting, 0, waiting.length);
    },
    cutToLastStamp() {
      const last = readLastStamp(target.fd, length);
      if (last !== undefined && last.wholeBytes !== length) {
        target.truncate(last.wholeBytes);
        length = last.wholeBytes;
      }
      return last;
    },
    moveTo(next) {
      target.close();
      target = next;
      length = next.openedSize;
      if (waiting !== undefined && withinLine) {
        waiting = waiting.subarray(waiting.indexOf(lineFeed) + 1);
        withinLine = false;
      }
    },
    isRemoved() {
      const now = Date.now();
      if (now - checkedAt < removedCheckMs) return false;
      checkedAt = now;
      return target.isRemoved();
    },
    close() {
      target.close();
    },
  };
}
