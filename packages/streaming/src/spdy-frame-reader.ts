import { StreamingError } from "./errors.js";
import {
  controlType,
  flagFin,
  flagUnidirectional,
  frameHeaderLength,
  maxControlPayload,
  type SpdyFrame,
  spdyVersion,
} from "./spdy-frame.js";

const streamIdMask = 0x7fff_ffff;

/**
 * Cuts a byte stream into SPDY frames. It holds at most one control frame; the caller must take
 * every frame with {@link next} before it reads more from the socket, and may stop in between
 * (header blocks have to be decompressed strictly in order).
 */
export class SpdyFrameReader {
  readonly #pending: Buffer[] = [];
  #offset = 0;
  readonly #header = Buffer.alloc(frameHeaderLength);
  #headerFilled = 0;
  /** The payload of the control frame under way. */
  #payload: Buffer | null = null;
  #payloadFilled = 0;
  /** What is left of the data frame under way. */
  #dataLeft = 0;

  /** Adds bytes as they came from the socket; the buffer is kept, not copied. */
  push(chunk: Buffer): void {
    if (chunk.length > 0) this.#pending.push(chunk);
  }

  /** The next frame, or null if more bytes are needed. Throws `protocol_error`. */
  next(): SpdyFrame | null {
    for (;;) {
      if (this.#dataLeft > 0) return this.#nextData();
      if (this.#payload !== null) {
        this.#payloadFilled += this.#fill(this.#payload, this.#payloadFilled);
        if (this.#payloadFilled < this.#payload.length) return null;
        const payload = this.#payload;
        this.#payload = null;
        this.#headerFilled = 0;
        return decodeControl(this.#header, payload);
      }
      this.#headerFilled += this.#fill(this.#header, this.#headerFilled);
      if (this.#headerFilled < frameHeaderLength) return null;
      const frame = this.#startFrame();
      if (frame !== null) return frame;
    }
  }

  /** Begins the frame whose header is complete; an empty data frame is whole at once. */
  #startFrame(): SpdyFrame | null {
    const length = this.#header.readUIntBE(5, 3);
    if ((this.#header.readUInt8(0) & 0x80) !== 0) {
      checkControlHeader(this.#header, length);
      this.#payload = Buffer.allocUnsafeSlow(length);
      this.#payloadFilled = 0;
      return null;
    }
    if (length > 0) {
      this.#dataLeft = length;
      return null;
    }
    this.#headerFilled = 0;
    return this.#dataFrame(Buffer.alloc(0), true);
  }

  #nextData(): SpdyFrame | null {
    const chunk = this.#pending[0];
    if (chunk === undefined) return null;
    const size = Math.min(this.#dataLeft, chunk.length - this.#offset);
    const data = chunk.subarray(this.#offset, this.#offset + size);
    this.#advance(chunk, size);
    this.#dataLeft -= size;
    const whole = this.#dataLeft === 0;
    if (whole) this.#headerFilled = 0;
    return this.#dataFrame(data, whole);
  }

  #dataFrame(data: Buffer, whole: boolean): SpdyFrame {
    return {
      type: "data",
      streamId: this.#header.readUInt32BE(0) & streamIdMask,
      data,
      // FIN belongs to the frame's last byte, so only the last part carries it.
      fin: whole && (this.#header.readUInt8(4) & flagFin) !== 0,
    };
  }

  /** Copies pending bytes into `target` from `start`, returning how many. */
  #fill(target: Buffer, start: number): number {
    let filled = 0;
    while (start + filled < target.length) {
      const chunk = this.#pending[0];
      if (chunk === undefined) break;
      const size = Math.min(target.length - start - filled, chunk.length - this.#offset);
      chunk.copy(target, start + filled, this.#offset, this.#offset + size);
      this.#advance(chunk, size);
      filled += size;
    }
    return filled;
  }

  #advance(chunk: Buffer, size: number): void {
    this.#offset += size;
    if (this.#offset === chunk.length) {
      this.#pending.shift();
      this.#offset = 0;
    }
  }
}

/** The payload lengths a control type may have; throws before any payload is buffered. */
function checkControlHeader(header: Buffer, length: number): void {
  if ((header.readUInt16BE(0) & 0x7fff) !== spdyVersion) {
    throw new StreamingError("protocol_error", "SPDY frame of another version than 3");
  }
  const type = header.readUInt16BE(2);
  const [min, max] = payloadBounds(type);
  if (length < min || length > max) {
    throw new StreamingError("protocol_error", `SPDY frame type ${type} of ${length} bytes`);
  }
}

function payloadBounds(type: number): [min: number, max: number] {
  switch (type) {
    case controlType.synStream:
      return [10, maxControlPayload];
    case controlType.synReply:
    case controlType.headers:
    case controlType.settings:
      return [4, maxControlPayload];
    case controlType.rstStream:
    case controlType.goAway:
    case controlType.windowUpdate:
      return [8, 8];
    case controlType.ping:
      return [4, 4];
    default:
      throw new StreamingError("protocol_error", `unknown SPDY frame type ${type}`);
  }
}

function decodeControl(header: Buffer, payload: Buffer): SpdyFrame {
  const flags = header.readUInt8(4);
  const fin = (flags & flagFin) !== 0;
  const type = header.readUInt16BE(2);
  const first = payload.readUInt32BE(0);
  switch (type) {
    case controlType.synStream:
      return {
        type: "syn_stream",
        streamId: first & streamIdMask,
        fin,
        unidirectional: (flags & flagUnidirectional) !== 0,
        block: payload.subarray(10),
      };
    case controlType.synReply:
    case controlType.headers:
      return {
        type: type === controlType.synReply ? "syn_reply" : "headers",
        streamId: first & streamIdMask,
        fin,
        block: payload.subarray(4),
      };
    case controlType.rstStream:
      return {
        type: "rst_stream",
        streamId: first & streamIdMask,
        status: payload.readUInt32BE(4),
      };
    case controlType.ping:
      return { type: "ping", id: first };
    case controlType.goAway:
      return {
        type: "goaway",
        lastStreamId: first & streamIdMask,
        status: payload.readUInt32BE(4),
      };
    case controlType.settings:
      if (payload.length !== 4 + first * 8) {
        throw new StreamingError("protocol_error", "SETTINGS frame does not match its count");
      }
      return { type: "settings" };
    default:
      return { type: "window_update" };
  }
}
