import { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { ConnectionWatch } from "./connection-watch.js";
import { StreamingError } from "./errors.js";
import { ReceiveBudget, ReceiveQueue } from "./receive-queue.js";
import type { ChannelProtocol } from "./stream-protocols.js";

/** Output is cut into messages of this size, which every known client takes. */
const maxMessage = 32 * 1024;
/** Buffers kept for reuse; more are seldom on their way at once. */
const maxSpareMessages = 4;
/** v5: the channel whose messages half-close another. */
const closeChannel = 255;

/** Options of {@link WebSocketChannels}. */
export interface WebSocketChannelsOptions {
  readonly protocol: ChannelProtocol;
  /** Channels 0 to `count - 1` exist; messages for others are ignored. */
  readonly count: number;
  /** No message in either direction for this long ends the connection; 0 never. */
  readonly idleTimeoutMs: number;
  /** Unread bytes over all channels, overhead included, beyond which the socket is not read. */
  readonly receiveBufferBytes: number;
  /**
   * Called once, when the connection ends, before its channels are destroyed with `reason`; null
   * if this side ended it in order.
   */
  readonly onEnd: (reason: StreamingError | null) => void;
  /** Called once, when the WebSocket is closed. */
  readonly onClosed: () => void;
}

/** Kubernetes' channels over a WebSocket: each message names its channel in its first byte. */
export class WebSocketChannels {
  readonly receiveBudget: ReceiveBudget;
  readonly #socket: WebSocket;
  readonly #options: WebSocketChannelsOptions;
  readonly #channels: readonly WebSocketChannel[];
  readonly #watch: ConnectionWatch;
  /** Buffers of messages that were sent, for the next ones. */
  readonly #sentMessages: Buffer[] = [];
  #awaitingFlush: (() => void)[] = [];
  #ended = false;

  constructor(socket: WebSocket, options: WebSocketChannelsOptions) {
    this.#socket = socket;
    this.#options = options;
    this.receiveBudget = new ReceiveBudget(options.receiveBufferBytes, () => this.#regulate());
    this.#channels = Array.from(
      { length: options.count },
      (_, index) => new WebSocketChannel(this, index),
    );
    this.#watch = new ConnectionWatch({
      idleTimeoutMs: options.idleTimeoutMs,
      onIdle: () => this.close(new StreamingError("timeout", "the connection was idle too long")),
      // An unasked pong (RFC 6455, section 5.5.3) also keeps client-go, whose pings wait behind
      // the data that we don't read, from giving up for want of an answer after a minute.
      probe: () => socket.pong(),
    });
    socket.on("message", (data: Buffer) => this.#onMessage(data));
    socket.on("ping", () => this.#watch.touch());
    socket.on("pong", () => this.#watch.touch());
    socket.on("error", (cause) =>
      this.#end(new StreamingError("protocol_error", cause.message, { cause })),
    );
    socket.on("close", () => {
      this.#end(new StreamingError("client_gone", "the client closed the connection"));
      options.onClosed();
    });
  }

  /** Channels that are not closed. */
  get openChannels(): number {
    return this.#channels.filter((channel) => !channel.destroyed).length;
  }

  /** A channel as a stream; throws a RangeError if there is none of this number. */
  channel(index: number): Duplex {
    const channel = this.#channels[index];
    if (channel === undefined) throw new RangeError(`there is no channel ${index}`);
    return channel;
  }

  /** Sends an empty message, which tells the client that the connection is established. */
  greet(index: number): void {
    this.#socket.send(this.#encode(index, Buffer.alloc(0)));
  }

  /** Ends the connection after all that was written. */
  close(reason: StreamingError | null = null): void {
    this.#end(reason);
    // Clients take anything but 1000 for a failure; 1002 tells those that break the protocol.
    this.#socket.close(reason?.code === "protocol_error" ? 1002 : 1000);
    // The client's close message has to be read.
    this.#socket.resume();
  }

  /** Sends a channel's data; `taken` runs when the kernel took it. */
  send(index: number, chunk: Buffer, taken: (error?: Error) => void): void {
    if (this.#ended) {
      taken(new StreamingError("client_gone", "the connection has ended"));
      return;
    }
    if (chunk.length === 0) {
      taken();
      return;
    }
    this.#watch.touch();
    for (let offset = 0; offset < chunk.length; offset += maxMessage) {
      const last = offset + maxMessage >= chunk.length;
      const message = this.#encode(index, chunk.subarray(offset, offset + maxMessage));
      this.#socket.send(message, (error) => {
        this.#reuse(message);
        if (last) taken(error);
        this.#onSent();
      });
    }
  }

  /** Calls back when nothing is left to send, or when nothing can be sent any more. */
  flush(flushed: () => void): void {
    this.#awaitingFlush.push(flushed);
    this.#onSent();
  }

  #onSent(): void {
    if (this.#ended || this.#socket.bufferedAmount === 0) {
      for (const flushed of this.#awaitingFlush.splice(0)) flushed();
    }
  }

  #encode(index: number, data: Buffer): Buffer | string {
    if (this.#options.protocol.encoding === "base64") {
      return String.fromCharCode(0x30 + index) + data.toString("base64");
    }
    // Full messages take turns in a few buffers: a fast command would otherwise leave hundreds
    // of megabytes to the garbage collector.
    const full = data.length === maxMessage;
    const message =
      (full ? this.#sentMessages.pop() : undefined) ?? Buffer.allocUnsafe(data.length + 1);
    message.writeUInt8(index);
    data.copy(message, 1);
    return message;
  }

  #reuse(message: Buffer | string): void {
    if (message.length === maxMessage + 1 && typeof message !== "string" && !this.#ended) {
      this.#sentMessages.push(message);
      this.#sentMessages.splice(maxSpareMessages);
    }
  }

  #onMessage(message: Buffer): void {
    this.#watch.touch();
    // Empty messages are keep-alives; those that come while we close concern nobody.
    if (this.#ended || message.length === 0) return;
    const { encoding, halfClose } = this.#options.protocol;
    const first = message.readUInt8(0);
    const index = encoding === "base64" ? first - 0x30 : first;
    if (halfClose && index === closeChannel) {
      this.#onHalfClose(message);
      return;
    }
    const body = message.subarray(1);
    const data = encoding === "base64" ? decodeBase64(body) : body;
    if (data === null) {
      this.close(new StreamingError("protocol_error", "a message is not base64"));
      return;
    }
    this.#channels[index]?.received.receive(data);
  }

  #onHalfClose(message: Buffer): void {
    const channel = message.length === 2 ? this.#channels[message.readUInt8(1)] : undefined;
    if (channel === undefined) {
      this.close(new StreamingError("protocol_error", "malformed half-close message"));
      return;
    }
    channel.received.end();
  }

  #regulate(): void {
    if (this.#ended) return;
    const { full } = this.receiveBudget;
    if (full) this.#socket.pause();
    else this.#socket.resume();
    this.#watch.setStalled(full);
  }

  #end(reason: StreamingError | null): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#options.onEnd(reason);
    for (const channel of this.#channels) channel.destroy(reason ?? undefined);
    this.#onSent();
    this.#watch.stop();
  }
}

/** One channel. There is no message for the end of output: that is the connection's end. */
class WebSocketChannel extends Duplex {
  readonly received: ReceiveQueue;
  readonly #owner: WebSocketChannels;
  readonly #index: number;

  constructor(owner: WebSocketChannels, index: number) {
    super({ readableHighWaterMark: 1, writableHighWaterMark: 64 * 1024 });
    this.#owner = owner;
    this.#index = index;
    this.received = new ReceiveQueue(this, owner.receiveBudget);
    // As with SpdyStream: whoever uses the channel learns of its failure, nobody has to listen.
    this.on("error", () => {});
  }

  override _read(): void {
    this.received.want();
  }

  override _write(
    chunk: Buffer,
    _encoding: BufferEncoding,
    callback: (error?: Error | null) => void,
  ): void {
    this.#owner.send(this.#index, chunk, callback);
  }

  /** The close timeout of a WebSocket must not run while a slow reader still takes our output. */
  override _final(callback: (error?: Error | null) => void): void {
    this.#owner.flush(callback);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.received.close();
    callback(error);
  }
}

/** Node's decoder skips what it does not know; a client that sends such is broken. */
function decodeBase64(text: Buffer): Buffer | null {
  const encoded = text.toString("latin1");
  if (encoded.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(encoded)) return null;
  return Buffer.from(encoded, "base64");
}
