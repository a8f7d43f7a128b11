import { parseTimestamp } from "./log-timestamp.js";

/** One line of a container's log file, which may be a part of a line that was written. */
export interface LogEntry {
  /** As it is in the file. */
  timestamp: string;
  /** Nanoseconds since the epoch. */
  timestampNs: bigint;
  stream: "stdout" | "stderr";
  /** Without the line feed. */
  content: Buffer;
  /** False when the next entry of this stream continues the line. */
  complete: boolean;
}

const space = 0x20;
const openingBrace = 0x7b;

/**
 * Reads a line, without its line feed, in either format that runtimes write: CRI's
 * `TIMESTAMP stdout|stderr P|F CONTENT`, or a JSON object of Docker's json-file driver.
 * Returns undefined for anything else.
 */
export function parseLogLine(line: Buffer): LogEntry | undefined {
  return line[0] === openingBrace ? parseJsonLine(line) : parseCriLine(line);
}

function parseCriLine(line: Buffer): LogEntry | undefined {
  const afterTimestamp = line.indexOf(space);
  const afterStream = line.indexOf(space, afterTimestamp + 1);
  const afterTags = line.indexOf(space, afterStream + 1);
  if (afterTimestamp < 0 || afterStream < 0 || afterTags < 0) return undefined;
  const timestamp = line.toString("latin1", 0, afterTimestamp);
  const stream = line.toString("latin1", afterTimestamp + 1, afterStream);
  // Tags are separated by colons; only the first one has a meaning so far.
  const [tag] = line.toString("latin1", afterStream + 1, afterTags).split(":");
  const timestampNs = parseTimestamp(timestamp);
  if (timestampNs === undefined || !isStream(stream)) return undefined;
  const content = line.subarray(afterTags + 1);
  return { timestamp, timestampNs, stream, content, complete: tag !== "P" };
}

function parseJsonLine(line: Buffer): LogEntry | undefined {
  let record: { log?: unknown; stream?: unknown; time?: unknown };
  try {
    record = JSON.parse(line.toString()) as typeof record;
  } catch {
    return undefined;
  }
  const { log, stream, time } = record;
  if (typeof log !== "string" || typeof time !== "string" || !isStream(stream)) return undefined;
  const timestampNs = parseTimestamp(time);
  if (timestampNs === undefined) return undefined;
  // Docker keeps the line feed in the text, and leaves it out of a part.
  const complete = log.endsWith("\n");
  const content = Buffer.from(complete ? log.slice(0, -1) : log);
  return { timestamp: time, timestampNs, stream, content, complete };
}

function isStream(value: unknown): value is LogEntry["stream"] {
  return value === "stdout" || value === "stderr";
}
