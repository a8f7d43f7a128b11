import type { Readable } from "node:stream";
import type { TerminalSize } from "./streaming-runtime.js";

/** No size takes more than this; whatever is longer is not one. */
const maxEventLength = 1024;

/**
 * Terminal sizes on their way to the runtime. Only the newest counts, so one that was not taken
 * yet is replaced, and a client that resizes in a loop costs nothing.
 */
export class ResizeQueue implements AsyncIterable<TerminalSize> {
  #latest: TerminalSize | null = null;
  #ended = false;
  #wake: (() => void) | null = null;

  put(size: TerminalSize): void {
    if (!this.#ended) {
      this.#latest = size;
      this.#wake?.();
    }
  }

  /** Ends the iteration after the latest size. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TerminalSize, void, void> {
    for (;;) {
      const size = this.#latest;
      if (size !== null) {
        this.#latest = null;
        yield size;
      } else if (this.#ended) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = null;
      }
    }
  }
}

/**
 * Feeds a queue from a resize stream: JSON objects `{"Width":80,"Height":24}`, keys in any case,
 * with or without newlines in between. Like the reference, the first thing that is not a size
 * ends resizing but not the session.
 */
export function readResizeEvents(stream: Readable, queue: ResizeQueue): void {
  let text = "";
  let broken = false;
  stream.on("data", (chunk: Buffer) => {
    if (broken) return;
    text += chunk.toString("latin1");
    const events = text.split("}");
    text = events.pop() ?? "";
    for (const event of events) {
      const size = parseSize(`${event}}`);
      if (size === null) {
        broken = true;
        break;
      }
      queue.put(size);
    }
    if (broken || text.length > maxEventLength) {
      broken = true;
      text = "";
      queue.end();
    }
  });
  stream.on("close", () => queue.end());
  stream.on("end", () => queue.end());
}

function parseSize(text: string): TerminalSize | null {
  let event: unknown;
  try {
    event = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof event !== "object" || event === null) return null;
  const fields = new Map(
    Object.entries(event).map(([name, value]) => [name.toLowerCase(), value as unknown]),
  );
  const width = fields.get("width");
  const height = fields.get("height");
  return isCells(width) && isCells(height) ? { width, height } : null;
}

/** A dimension is an unsigned 16-bit number. */
function isCells(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 0xffff;
}
