import { Duplex } from "node:stream";
import { type ReceiveBudget, ReceiveQueue } from "./receive-queue.js";
import type { SpdyHeaders } from "./spdy-headers.js";

/** What a stream needs of its connection. */
export interface SpdyStreamOwner {
  readonly receiveBudget: ReceiveBudget;
  /** Sends data frames; `taken` runs when the connection can take more. */
  sendData(streamId: number, chunks: readonly Buffer[], taken: (error?: Error) => void): void;
  sendFin(streamId: number, taken: (error?: Error) => void): void;
  /** The stream is closed for good; what the peer does not know of that has to be told. */
  streamClosed(stream: SpdyStream, state: SpdyStreamState): void;
}

/** Which ends of a stream were over when it closed. */
export interface SpdyStreamState {
  /** We sent FIN. */
  readonly localDone: boolean;
  /** Nothing more is to be said: both sides sent FIN, or the peer reset the stream. */
  readonly over: boolean;
}

/**
 * One SPDY stream: writes become data frames, `end()` a FIN, and `destroy()` an RST_STREAM unless
 * both sides were done. Like a socket, it is destroyed by itself once both directions ended.
 */
export class SpdyStream extends Duplex {
  readonly id: number;
  readonly headers: SpdyHeaders;
  readonly #owner: SpdyStreamOwner;
  readonly #received: ReceiveQueue;
  #remoteDone = false;
  #localDone = false;
  #resetByPeer = false;

  constructor(owner: SpdyStreamOwner, id: number, headers: SpdyHeaders) {
    // What the reader did not take yet waits in the queue, where the connection counts it, and
    // not uncounted in the Readable.
    super({ readableHighWaterMark: 1, writableHighWaterMark: 64 * 1024 });
    this.id = id;
    this.headers = headers;
    this.#owner = owner;
    this.#received = new ReceiveQueue(this, owner.receiveBudget);
    // A stream fails when its connection does. Whoever reads or writes it learns that from the
    // stream's own state; nobody is obliged to listen.
    this.on("error", () => {});
  }

  /** The first value of a header, or undefined. */
  header(name: string): string | undefined {
    return this.headers.get(name)?.[0];
  }

  /** Whether the peer sent FIN. */
  get remoteDone(): boolean {
    return this.#remoteDone;
  }

  /** Data from the peer; called by the connection. */
  receive(data: Buffer): void {
    if (!this.#remoteDone) this.#received.receive(data);
  }

  /** A FIN from the peer; called by the connection. */
  receiveFin(): void {
    this.#remoteDone = true;
    this.#received.end();
  }

  /** An RST_STREAM from the peer; called by the connection. */
  receiveReset(error: Error): void {
    this.#resetByPeer = true;
    this.destroy(error);
  }

  override _read(): void {
    this.#received.want();
  }

  override _write(
    chunk: Buffer,
    _encoding: BufferEncoding,
    callback: (error?: Error | null) => void,
  ): void {
    this.#owner.sendData(this.id, [chunk], callback);
  }

  override _writev(
    chunks: { chunk: Buffer; encoding: BufferEncoding }[],
    callback: (error?: Error | null) => void,
  ): void {
    this.#owner.sendData(
      this.id,
      chunks.map(({ chunk }) => chunk),
      callback,
    );
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#localDone = true;
    this.#owner.sendFin(this.id, callback);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#received.close();
    const localDone = this.#localDone;
    const over = this.#resetByPeer || (localDone && this.#remoteDone);
    this.#owner.streamClosed(this, { localDone, over });
    callback(error);
  }
}
