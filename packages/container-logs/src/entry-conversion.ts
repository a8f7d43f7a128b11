import type { CopiedBefore } from "./copied-before.js";
import { createCriLogLines } from "./cri-log-lines.js";
import { createLocalLogReader, findLocalLogEntry } from "./local-log-entry.js";

/** Memory that all copies of a thread share; a step leaves nothing in it. */
export interface CopyBuffers {
  readonly input: Buffer;
  readonly output: Buffer;
}

export function createCopyBuffers(inputBytes: number = 128 * 1024): CopyBuffers {
  // The shortest message is 26 bytes and its line 42; see lineRoom.
  return { input: Buffer.alloc(inputBytes), output: Buffer.alloc(2 * inputBytes) };
}

export interface EntryConversionOptions {
  readonly tty: boolean;
  /** What the log holds already. */
  readonly copied: CopiedBefore;
  /** Told of bytes that are no messages. */
  readonly onProblem: (problem: string) => void;
}

/**
 * Makes the conversion of one container: it turns the whole messages in the first bytes of the
 * input buffer into lines in the output buffer, and returns how many bytes it took and made.
 */
export function createEntryConversion(
  { tty, copied, onProblem }: EntryConversionOptions,
  { input, output }: CopyBuffers,
): (length: number) => { consumed: number; produced: number } {
  const reader = createLocalLogReader();
  const lines = createCriLogLines({ tty });
  const { entry } = reader;

  return (length) => {
    let at = 0;
    let produced = 0;
    for (;;) {
      const result = reader.read(input, at, length);
      if (result === "entry") {
        if (!copied.has(entry)) produced = lines.write(entry, input, output, produced);
        at = entry.next;
      } else if (result === "incomplete") {
        return { consumed: at, produced };
      } else {
        const found = findLocalLogEntry(reader, input, at, length);
        if (found === at) return { consumed: at, produced };
        onProblem(`${found - at} bytes in the engine's log file are no messages`);
        at = found;
      }
    }
  };
}
