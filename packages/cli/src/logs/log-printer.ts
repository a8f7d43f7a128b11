import { once } from "node:events";
import type { Terminal } from "../output/terminal.js";
import type { LogEntry } from "./log-line.js";

export interface LogPrinterOptions {
  /** Begin each line with its timestamp. */
  timestamps: boolean;
  /** Leave out what is older; nanoseconds since the epoch. */
  sinceNs: bigint;
}

/**
 * Prints entries to the stream that they were written to, joining the parts of a line.
 * Resolves when the stream takes more.
 */
export function createLogPrinter(
  { timestamps, sinceNs }: LogPrinterOptions,
  terminal: Pick<Terminal, "stdout" | "stderr">,
): (entry: LogEntry) => Promise<void> {
  const atLineStart = { stdout: true, stderr: true };
  return async (entry) => {
    const { timestamp, timestampNs, stream, content, complete } = entry;
    if (timestampNs < sinceNs) return;
    const prefix = timestamps && atLineStart[stream] ? `${timestamp} ` : "";
    atLineStart[stream] = complete;
    const bytes = Buffer.concat([Buffer.from(prefix), content, Buffer.from(complete ? "\n" : "")]);
    if (!terminal[stream].write(bytes)) await once(terminal[stream], "drain");
  };
}
