import type { Readable } from "node:stream";

/** What a queued chunk costs besides its bytes, so that a flood of tiny frames is bounded too. */
const chunkOverhead = 256;
/** Chunks are joined until they have at least this size before they are handed over. */
const smallChunk = 4 * 1024;
const joinedChunk = 64 * 1024;

/**
 * Bounds what one connection has received and its readers did not take yet. Neither SPDY as
 * Kubernetes speaks it nor the WebSocket channels have flow control per stream, so the only
 * brake is not to read from the socket.
 */
export class ReceiveBudget {
  #bytes = 0;
  readonly #limit: number;
  readonly #changed: () => void;

  /** `changed` is called when {@link full} may have changed. */
  constructor(limit: number, changed: () => void) {
    this.#limit = limit;
    this.#changed = changed;
  }

  /** Queued bytes, overhead included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether the connection should not be read. */
  get full(): boolean {
    return this.#bytes > this.#limit;
  }

  /** Counts (or with a negative number discounts) queued bytes. */
  add(bytes: number): void {
    const before = this.full;
    this.#bytes += bytes;
    if (this.full !== before) this.#changed();
  }
}

/** The bytes received for one stream, handed to its `Readable` one chunk at a time. */
export class ReceiveQueue {
  readonly #target: Readable;
  readonly #budget: ReceiveBudget;
  #chunks: Buffer[] = [];
  #cost = 0;
  #wanted = false;
  #ended = false;
  #closed = false;

  constructor(target: Readable, budget: ReceiveBudget) {
    this.#target = target;
    this.#budget = budget;
  }

  /** Takes a chunk from the connection. */
  receive(chunk: Buffer): void {
    if (this.#closed || this.#ended || chunk.length === 0) return;
    if (this.#wanted) {
      this.#wanted = false;
      this.#target.push(chunk);
      return;
    }
    // A small slice must not keep the whole chunk of the socket alive.
    const owned = chunk.length * 2 < chunk.buffer.byteLength ? copyOf(chunk) : chunk;
    this.#chunks.push(owned);
    this.#count(owned.length + chunkOverhead);
  }

  /** The peer half-closed: the `Readable` ends after what is queued. */
  end(): void {
    if (!this.#closed && !this.#ended) {
      this.#ended = true;
      this.#deliver();
    }
  }

  /** To be called from `_read`. */
  want(): void {
    this.#wanted = true;
    this.#deliver();
  }

  /** Drops what is queued and whatever still comes. */
  close(): void {
    this.#closed = true;
    this.#chunks = [];
    this.#count(-this.#cost);
  }

  #deliver(): void {
    if (!this.#wanted || this.#closed) return;
    if (this.#chunks.length > 0) {
      this.#wanted = false;
      this.#target.push(this.#take());
    } else if (this.#ended) {
      this.#closed = true;
      this.#target.push(null);
    }
  }

  /** The first chunk, joined with those after it as long as they are small. */
  #take(): Buffer {
    let length = 0;
    let count = 0;
    for (const chunk of this.#chunks) {
      if (count > 0 && (length >= smallChunk || length + chunk.length > joinedChunk)) break;
      length += chunk.length;
      count++;
    }
    const taken = this.#chunks.splice(0, count);
    this.#count(-(length + count * chunkOverhead));
    const [only] = taken;
    return only !== undefined && taken.length === 1 ? only : Buffer.concat(taken, length);
  }

  #count(cost: number): void {
    this.#cost += cost;
    this.#budget.add(cost);
  }
}

function copyOf(chunk: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(chunk.length);
  chunk.copy(copy);
  return copy;
}
