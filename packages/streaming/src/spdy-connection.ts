import type { Duplex } from "node:stream";
import { ConnectionWatch } from "./connection-watch.js";
import { StreamingError } from "./errors.js";
import { ReceiveBudget } from "./receive-queue.js";
import {
  encodeGoAway,
  encodePing,
  encodeRstStream,
  encodeSynReply,
  encodeSynStream,
  goAwayStatus,
  rstStatus,
  type SpdyBlockFrame,
  type SpdyFrame,
} from "./spdy-frame.js";
import { SpdyFrameReader } from "./spdy-frame-reader.js";
import {
  decodeHeaderBlock,
  encodeHeaderBlock,
  HeaderCompressor,
  HeaderDecompressor,
  type SpdyHeaders,
} from "./spdy-headers.js";
import { SpdyStream, type SpdyStreamOwner, type SpdyStreamState } from "./spdy-stream.js";
import { SpdyWriter } from "./spdy-writer.js";

/** How long a peer may take to read what the kernel holds and to close its side. */
const lingerMs = 60_000;

/** Options of {@link SpdyConnection}. */
export interface SpdyConnectionOptions {
  /** Which ids this side gives: servers even ones, clients odd ones. */
  readonly role: "server" | "client";
  /** No frame in either direction for this long ends the connection; 0 never. */
  readonly idleTimeoutMs: number;
  /** Open streams beyond this are refused. */
  readonly maxStreams: number;
  /** Unread bytes over all streams, overhead included, beyond which the socket is not read. */
  readonly receiveBufferBytes: number;
  /** Decides on a stream before it is accepted; false resets it. Default: all are accepted. */
  readonly acceptStream?: (headers: SpdyHeaders, streamId: number) => boolean;
  /** A stream of the peer, accepted and replied to. Default: it is reset. */
  readonly onStream?: (stream: SpdyStream) => void;
  /**
   * Called once, when the connection ends, before its streams are destroyed with `reason`; null
   * if this side ended it in order.
   */
  readonly onEnd?: (reason: StreamingError | null) => void;
  /** Called once, when the socket is closed. */
  readonly onClosed?: () => void;
}

/** SPDY/3.1 as Kubernetes speaks it, over a socket or anything like one. */
export class SpdyConnection implements SpdyStreamOwner {
  readonly receiveBudget: ReceiveBudget;
  readonly #socket: Duplex;
  readonly #options: SpdyConnectionOptions;
  readonly #reader = new SpdyFrameReader();
  readonly #writer: SpdyWriter;
  readonly #decompressor = new HeaderDecompressor();
  readonly #compressor = new HeaderCompressor();
  readonly #streams = new Map<number, SpdyStream>();
  readonly #awaitingReply = new Map<number, (error?: Error) => void>();
  readonly #watch: ConnectionWatch;
  #lingerTimer: NodeJS.Timeout | null = null;
  #lastPeerStreamId = 0;
  #nextStreamId: number;
  #nextPingId: number;
  #decompressing = false;
  #inputEnded = false;
  #ended = false;
  #endedWell = false;
  #closedTold = false;

  constructor(socket: Duplex, options: SpdyConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#nextStreamId = options.role === "client" ? 1 : 2;
    this.#nextPingId = this.#nextStreamId;
    this.#writer = new SpdyWriter(socket, () => this.#regulate());
    this.receiveBudget = new ReceiveBudget(options.receiveBufferBytes, () => this.#regulate());
    this.#watch = new ConnectionWatch({
      idleTimeoutMs: options.idleTimeoutMs,
      onIdle: () => this.close(new StreamingError("timeout", "the connection was idle too long")),
      probe: () => this.ping(),
    });
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("end", () => this.#onInputEnd());
    socket.on("error", (error) => this.#onPeerGone(error));
    socket.on("close", () => this.#onInputEnd());
  }

  /** Streams open at this moment. */
  get streamCount(): number {
    return this.#streams.size;
  }

  /** Opens a stream and resolves when the peer accepted it. */
  async openStream(headers: Readonly<Record<string, string>>): Promise<SpdyStream> {
    if (this.#ended) throw new StreamingError("client_gone", "the connection has ended");
    const id = this.#nextStreamId;
    this.#nextStreamId += 2;
    const values = Object.entries(headers).map(([name, value]) => [name, [value]] as const);
    const stream = new SpdyStream(this, id, new Map(values));
    this.#streams.set(id, stream);
    const block = this.#compressor.compress(encodeHeaderBlock(headers));
    await new Promise<void>((resolve, reject) => {
      this.#awaitingReply.set(id, (error) => (error === undefined ? resolve() : reject(error)));
      this.#sendControl(encodeSynStream(id, block));
    });
    return stream;
  }

  /** Sends a PING, which the peer echoes; it does not count against the idle timeout. */
  ping(): void {
    this.#writer.control(encodePing(this.#nextPingId));
    this.#nextPingId += 2;
  }

  /**
   * Ends the connection in order: ends (or, for a reason, resets) what is open, says GOAWAY after all that was
   * written, and reads on without looking until the peer closes too. A socket closed with unread
   * input would be reset by the kernel, and the peer would lose the end of our output.
   */
  close(reason: StreamingError | null = null): void {
    if (this.#ended) return;
    this.#end(reason, () => {
      const status =
        reason?.code === "protocol_error" ? goAwayStatus.protocolError : goAwayStatus.ok;
      const goAway = encodeGoAway(this.#lastPeerStreamId, status);
      // A slow reader may take as long as an idle one for what is still queued.
      this.#linger(this.#options.idleTimeoutMs);
      this.#socket.end(goAway, () => this.#linger(lingerMs));
    });
    this.#socket.resume();
  }

  /** Ends the connection at once. */
  destroy(reason: StreamingError): void {
    this.#end(reason, () => {});
    this.#socket.destroy();
  }

  sendData(streamId: number, chunks: readonly Buffer[], taken: (error?: Error) => void): void {
    this.#watch.touch();
    this.#writer.data(streamId, chunks, taken);
  }

  sendFin(streamId: number, taken: (error?: Error) => void): void {
    this.#watch.touch();
    this.#writer.fin(streamId, taken);
  }

  streamClosed(stream: SpdyStream, { localDone, over }: SpdyStreamState): void {
    if (this.#streams.delete(stream.id) && !over) {
      // A reset makes the peer drop what it did not read yet. At the end of the connection, with
      // a GOAWAY to follow, it is for streams only whose output is cut short.
      if (!this.#ended || (!localDone && !this.#endedWell)) {
        this.#sendControl(encodeRstStream(stream.id, rstStatus.cancel));
      } else if (!localDone) {
        this.#writer.fin(stream.id, () => {});
      }
    }
    this.#replied(stream.id, new StreamingError("client_gone", "the stream was closed"));
  }

  #onData(chunk: Buffer): void {
    if (!this.#ended) {
      this.#reader.push(chunk);
      this.#parse();
    }
  }

  /** Handles all whole frames; pauses where a header block has to be decompressed first. */
  #parse(): void {
    // All replies to what came in one piece leave in one piece.
    this.#socket.cork();
    try {
      while (!this.#ended && !this.#decompressing) {
        const frame = this.#reader.next();
        if (frame === null) return;
        this.#watch.touch();
        if ("block" in frame) this.#decompress(frame);
        else this.#onFrame(frame);
      }
    } catch (error) {
      this.close(StreamingError.from(error, "protocol_error"));
    } finally {
      this.#socket.uncork();
    }
  }

  #decompress(frame: SpdyBlockFrame): void {
    this.#decompressing = true;
    this.#regulate();
    this.#decompressor
      .decompress(frame.block)
      .then((block) => {
        this.#decompressing = false;
        if (this.#ended) return;
        this.#onHeaders(frame, decodeHeaderBlock(block));
        this.#parse();
        this.#regulate();
        if (this.#inputEnded) this.#onInputEnd();
      })
      .catch((error: unknown) => this.close(StreamingError.from(error, "protocol_error")));
  }

  #onFrame(frame: Exclude<SpdyFrame, SpdyBlockFrame>): void {
    switch (frame.type) {
      case "data": {
        // Data for a stream that is closed or never was is dropped, as the reference does.
        const stream = this.#streams.get(frame.streamId);
        stream?.receive(frame.data);
        if (frame.fin) stream?.receiveFin();
        break;
      }
      case "rst_stream": {
        const error = new StreamingError(
          "client_gone",
          `the peer reset the stream (status ${frame.status})`,
        );
        this.#replied(frame.streamId, error);
        this.#streams.get(frame.streamId)?.receiveReset(error);
        break;
      }
      case "ping":
        if (frame.id % 2 !== this.#nextPingId % 2) this.#sendControl(encodePing(frame.id));
        break;
      default:
        // SETTINGS and WINDOW_UPDATE mean nothing between Kubernetes peers. After a GOAWAY the
        // peer closes its socket, which ends the connection.
        break;
    }
  }

  #onHeaders(frame: SpdyBlockFrame, headers: SpdyHeaders): void {
    if (frame.type === "syn_stream") {
      this.#onSynStream(frame, headers);
      return;
    }
    if (frame.type === "syn_reply") this.#replied(frame.streamId);
    if (frame.fin) this.#streams.get(frame.streamId)?.receiveFin();
  }

  #onSynStream(frame: SpdyBlockFrame & { type: "syn_stream" }, headers: SpdyHeaders): void {
    const id = frame.streamId;
    const ours = id % 2 === this.#nextStreamId % 2;
    if (ours || id <= this.#lastPeerStreamId || frame.unidirectional) {
      this.#sendControl(encodeRstStream(id, rstStatus.protocolError));
      return;
    }
    this.#lastPeerStreamId = id;
    if (this.#streams.size >= this.#options.maxStreams) {
      this.#sendControl(encodeRstStream(id, rstStatus.refusedStream));
      return;
    }
    const { onStream, acceptStream } = this.#options;
    if (onStream === undefined || acceptStream?.(headers, id) === false) {
      this.#sendControl(encodeRstStream(id, rstStatus.cancel));
      return;
    }
    const stream = new SpdyStream(this, id, headers);
    this.#streams.set(id, stream);
    // The reply goes first: peers drop data for a stream they have no reply for.
    this.#sendControl(encodeSynReply(id, this.#compressor.compress(encodeHeaderBlock({}))));
    if (frame.fin) stream.receiveFin();
    onStream(stream);
  }

  #replied(streamId: number, error?: Error): void {
    const settle = this.#awaitingReply.get(streamId);
    this.#awaitingReply.delete(streamId);
    settle?.(error);
  }

  #sendControl(frame: Buffer): void {
    this.#watch.touch();
    this.#writer.control(frame);
  }

  /** Reads the socket only while there is room for what it may bring. */
  #regulate(): void {
    if (this.#ended) return;
    const full = this.receiveBudget.full || this.#writer.full;
    if (full || this.#decompressing) this.#socket.pause();
    else if (this.#socket.isPaused()) this.#socket.resume();
    this.#watch.setStalled(full);
  }

  /** The socket has ended or closed; what it brought before may still wait for a header block. */
  #onInputEnd(): void {
    this.#inputEnded = true;
    if (!this.#decompressing || this.#ended) this.#onPeerGone(null);
  }

  #onPeerGone(cause: Error | null): void {
    const options = cause === null ? undefined : { cause };
    this.destroy(new StreamingError("client_gone", "the client closed the connection", options));
    clearTimeout(this.#lingerTimer ?? undefined);
    if (this.#socket.closed && !this.#closedTold) {
      this.#closedTold = true;
      this.#options.onClosed?.();
    }
  }

  #end(reason: StreamingError | null, farewell: () => void): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#endedWell = reason === null;
    this.#options.onEnd?.(reason);
    for (const stream of [...this.#streams.values()]) {
      // A client may still read what the server sent before it ended the session.
      if (this.#options.role === "server" || !stream.remoteDone) {
        stream.destroy(reason ?? undefined);
      }
    }
    farewell();
    this.#writer.stop(reason);
    this.#decompressor.close();
    this.#watch.stop();
  }

  #linger(milliseconds: number): void {
    clearTimeout(this.#lingerTimer ?? undefined);
    if (milliseconds > 0 && !this.#socket.destroyed) {
      this.#lingerTimer = setTimeout(() => this.#socket.destroy(), milliseconds);
    }
  }
}
