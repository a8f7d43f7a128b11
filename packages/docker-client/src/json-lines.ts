import type { Readable } from "node:stream";

/** Longest line that is taken; progress lines are far shorter. */
const maxLineLength = 4 * 1024 * 1024;

/** Splits text that comes in pieces into lines. */
interface LineSplitter {
  /** The lines that are complete now, without their ends; empty ones are left out. */
  push(chunk: Buffer): string[];
  /** What came after the last end of line. */
  rest(): string;
}

/** Makes a splitter. Throws from `push` when a line exceeds 4 MiB, as no sane engine sends that. */
function createLineSplitter(): LineSplitter {
  let pending: Buffer[] = [];
  let pendingLength = 0;
  return {
    push(chunk) {
      const lines: string[] = [];
      let from = 0;
      for (;;) {
        const newline = chunk.indexOf(0x0a, from);
        if (newline < 0) break;
        const tail = chunk.subarray(from, newline);
        const line = (pendingLength > 0 ? Buffer.concat([...pending, tail]) : tail)
          .toString("utf8")
          .trim();
        pending = [];
        pendingLength = 0;
        from = newline + 1;
        if (line !== "") lines.push(line);
      }
      if (from < chunk.length) {
        pending.push(chunk.subarray(from));
        pendingLength += chunk.length - from;
        if (pendingLength > maxLineLength) {
          throw new RangeError(`a line is longer than ${maxLineLength} bytes`);
        }
      }
      return lines;
    },
    rest: () => Buffer.concat(pending).toString("utf8").trim(),
  };
}

/** The JSON objects of a body, one a line. A cut body or a line that is no JSON fails. */
export async function* readJsonLines(body: Readable): AsyncGenerator<Record<string, unknown>> {
  const splitter = createLineSplitter();
  for await (const chunk of body as AsyncIterable<Buffer>) {
    for (const line of splitter.push(chunk)) yield parseObject(line);
  }
  const rest = splitter.rest();
  if (rest !== "") yield parseObject(rest);
}

function parseObject(line: string): Record<string, unknown> {
  const parsed: unknown = JSON.parse(line);
  if (typeof parsed !== "object" || parsed === null) {
    throw new SyntaxError(`${line.slice(0, 100)} is no JSON object`);
  }
  return parsed as Record<string, unknown>;
}
