import type { LastStamp } from "./last-stamp.js";
import type { LocalLogEntry } from "./local-log-entry.js";

/**
 * What the log holds already of the messages that are read next: so many bytes where the position
 * is known, otherwise the messages up to a stamp.
 */
export interface CopiedBefore {
  /** Whether something is still left out. */
  readonly some: boolean;
  /** The next so many bytes are in the log. */
  setBytes(count: number): void;
  /** The messages up to a stamp are in the log. */
  setStamp(last: LastStamp | undefined): void;
  /** Nothing more is left out. */
  clear(): void;
  /** Whether a message is left out; asked once for each, in order. */
  has(entry: LocalLogEntry): boolean;
  /** Takes bytes that were made, and returns how many of them are left out. */
  takeBytes(made: number): number;
}

export function createCopiedBefore(): CopiedBefore {
  let bytes = 0;
  let upTo: LastStamp | undefined;
  let withStamp = 0;

  return {
    get some() {
      return bytes > 0 || upTo !== undefined;
    },
    setBytes(count) {
      bytes = count;
    },
    setStamp(last) {
      bytes = 0;
      upTo = last;
      withStamp = 0;
    },
    clear() {
      bytes = 0;
      upTo = undefined;
    },
    has({ seconds, nanos }) {
      if (upTo === undefined) return false;
      const order = seconds - upTo.seconds || nanos - upTo.nanos;
      if (order < 0) return true;
      if (order === 0 && withStamp < upTo.lines) {
        withStamp++;
        return true;
      }
      upTo = undefined;
      return false;
    },
    takeBytes(made) {
      const taken = Math.min(bytes, made);
      bytes -= taken;
      return taken;
    },
  };
}
