import type { FileHandle } from "node:fs/promises";
import { parseLogLine } from "./log-line.js";

const lineFeed = 0x0a;

/**
 * Where in a log file the last so many lines begin, in bytes. Lines that were written
 * in parts count once. Reads from the end, so a large file costs nothing.
 */
export async function findTailOffset(
  file: FileHandle,
  lines: number,
  blockBytes: number = 64 * 1024,
): Promise<number> {
  let { size: position } = await file.stat();
  let rest = Buffer.alloc(0);
  let found = 0;
  while (position > 0) {
    const block = Buffer.alloc(Math.min(blockBytes, position));
    position -= block.length;
    const { bytesRead } = await file.read(block, 0, block.length, position);
    const text = Buffer.concat([block.subarray(0, bytesRead), rest]);
    let end = text.length;
    while (end > 0) {
      const start = end < 2 ? 0 : text.lastIndexOf(lineFeed, end - 2) + 1;
      // Its beginning may be in the block before.
      if (start === 0 && position > 0) break;
      if (endsLine(text.subarray(start, end))) {
        found += 1;
        if (found > lines) return position + end;
      }
      end = start;
    }
    rest = text.subarray(0, end);
  }
  return 0;
}

/** Whether a physical line is the whole or the last part of a line, and was written to its end. */
function endsLine(line: Buffer): boolean {
  if (line.at(-1) !== lineFeed) return false;
  return parseLogLine(line.subarray(0, -1))?.complete ?? false;
}
