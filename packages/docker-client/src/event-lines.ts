import { createHash, type Hash } from "node:crypto";
import { createEventAbridger, type EventAbridger } from "./abridge-event.js";

/** Longest line that is kept whole, in bytes. */
const maxLineLength = 128 * 1024;

/** One line of `GET /events`. */
export interface EventLine {
  /** The event's JSON. */
  text: string;
  /** What tells it from all others: the same line has the same one. */
  digest: string;
  /** Whether the line was too long and its attributes are incomplete. */
  abridged: boolean;
}

/** Splits the stream of events into lines, in bounded memory however long they are. */
export interface EventLineReader {
  /** The lines that are complete now; empty ones are left out. */
  push(chunk: Buffer): EventLine[];
}

/** Makes a reader for one connection. */
export function createEventLineReader(): EventLineReader {
  let begun: Buffer[] = [];
  let begunLength = 0;
  // Of a line that is too long; what came of it is not held any more.
  let long: { abridger: EventAbridger; hash: Hash } | undefined;

  function add(piece: Buffer): void {
    begunLength += piece.length;
    if (long === undefined) {
      begun.push(piece);
      if (begunLength > maxLineLength) {
        long = { abridger: createEventAbridger(), hash: createHash("sha256") };
        for (const earlier of begun) {
          long.hash.update(earlier);
          long.abridger.push(earlier);
        }
        begun = [];
      }
    } else {
      long.hash.update(piece);
      long.abridger.push(piece);
    }
  }

  function complete(): EventLine | undefined {
    const line =
      long === undefined
        ? wholeLine(Buffer.concat(begun, begunLength))
        : { text: long.abridger.end(), digest: long.hash.digest("base64"), abridged: true };
    begun = [];
    begunLength = 0;
    long = undefined;
    return line;
  }

  return {
    push(chunk) {
      const lines: EventLine[] = [];
      let from = 0;
      for (;;) {
        const newline = chunk.indexOf(0x0a, from);
        if (newline < 0) break;
        add(chunk.subarray(from, newline));
        from = newline + 1;
        const line = complete();
        if (line !== undefined) lines.push(line);
      }
      if (from < chunk.length) add(chunk.subarray(from));
      return lines;
    },
  };
}

function wholeLine(bytes: Buffer): EventLine | undefined {
  const text = bytes.toString("utf8");
  return text.trim() === ""
    ? undefined
    : { text, digest: createHash("sha256").update(bytes).digest("base64"), abridged: false };
}
