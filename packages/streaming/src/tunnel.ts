import { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { StreamingError } from "./errors.js";

/**
 * A byte stream inside a WebSocket, for SPDY within `SPDY/3.1+portforward.k8s.io`: the binary
 * messages, concatenated, are the bytes, and close code 1000 is the end.
 */
export class WebSocketByteStream extends Duplex {
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    super({ readableHighWaterMark: 64 * 1024, writableHighWaterMark: 64 * 1024 });
    this.#socket = socket;
    let closed = false;
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      if (!isBinary) {
        this.destroy(new StreamingError("protocol_error", "a text message in a tunnel"));
      } else if (!this.push(data)) {
        socket.pause();
      }
    });
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => {
      closed = true;
      if (!this.destroyed) this.push(null);
    });
    this.once("close", () => {
      if (!closed) socket.terminate();
    });
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(
    chunk: Buffer,
    _encoding: BufferEncoding,
    callback: (error?: Error | null) => void,
  ): void {
    this.#socket.send(chunk, { binary: true }, (error) => callback(error));
  }

  override _writev(
    chunks: { chunk: Buffer; encoding: BufferEncoding }[],
    callback: (error?: Error | null) => void,
  ): void {
    const data = Buffer.concat(chunks.map(({ chunk }) => chunk));
    this.#socket.send(data, { binary: true }, (error) => callback(error));
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#socket.close(1000);
    callback();
  }
}
