import type { Duplex } from "node:stream";
import { StreamingError } from "./errors.js";
import { encodeDataHeader } from "./spdy-frame.js";

/** Data is cut into frames of this size, the usual one among Kubernetes peers. */
const maxDataFrame = 32 * 1024;
/** Replies (pings, resets) a peer may leave unread before we stop reading its frames. */
const maxQueuedReplies = 64 * 1024;

/** The outgoing half of a SPDY connection. */
export class SpdyWriter {
  readonly #socket: Duplex;
  readonly #changed: () => void;
  #awaitingDrain: ((error?: Error) => void)[] = [];
  #queuedReplies = 0;
  #stopped: StreamingError | null = null;

  /** `changed` is called when {@link full} may have changed. */
  constructor(socket: Duplex, changed: () => void) {
    this.#socket = socket;
    this.#changed = changed;
    socket.on("drain", () => this.#release());
  }

  /**
   * Whether the peer leaves our replies unread. Output does not count: a terminal whose output
   * is held up must still take the keys that end it.
   */
  get full(): boolean {
    return this.#queuedReplies > maxQueuedReplies;
  }

  /** Writes data frames; `taken` runs when the socket can take more. */
  data(streamId: number, chunks: readonly Buffer[], taken: (error?: Error) => void): void {
    if (this.#stopped !== null) {
      taken(this.#stopped);
      return;
    }
    // Corked, a header and its data reach the kernel in one call without being copied together.
    this.#socket.cork();
    for (const chunk of chunks) {
      for (let offset = 0; offset < chunk.length; offset += maxDataFrame) {
        const data = chunk.subarray(offset, offset + maxDataFrame);
        this.#socket.write(encodeDataHeader(streamId, data.length, false));
        this.#socket.write(data);
      }
    }
    this.#socket.uncork();
    if (this.#socket.writableNeedDrain) this.#awaitingDrain.push(taken);
    else taken();
  }

  /** Writes an empty data frame with FIN. */
  fin(streamId: number, taken: (error?: Error) => void): void {
    if (this.#stopped !== null) {
      taken(this.#stopped);
      return;
    }
    if (this.#socket.writable) this.#socket.write(encodeDataHeader(streamId, 0, true));
    taken();
  }

  /** Writes a control frame. */
  control(frame: Buffer): void {
    if (this.#stopped !== null || !this.#socket.writable) return;
    this.#queuedReplies += frame.length;
    this.#socket.write(frame, () => {
      this.#queuedReplies -= frame.length;
      this.#changed();
    });
    this.#changed();
  }

  /** Writes no more, and fails whoever waits. */
  stop(reason: StreamingError | null): void {
    this.#stopped = reason ?? new StreamingError("client_gone", "the connection has ended");
    this.#release(this.#stopped);
  }

  #release(error?: Error): void {
    const waiting = this.#awaitingDrain;
    this.#awaitingDrain = [];
    for (const taken of waiting) taken(error);
  }
}
