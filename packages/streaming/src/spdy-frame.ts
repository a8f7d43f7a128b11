/** FIN: the sender is done with the stream (SYN_STREAM, SYN_REPLY, HEADERS and data frames). */
export const flagFin = 0x01;
/** UNIDIRECTIONAL: the sender of a SYN_STREAM takes no data on it. */
export const flagUnidirectional = 0x02;

/** Status codes of RST_STREAM. */
export const rstStatus = {
  protocolError: 1,
  invalidStream: 2,
  refusedStream: 3,
  cancel: 5,
} as const;

/** Status codes of GOAWAY. */
export const goAwayStatus = { ok: 0, protocolError: 1 } as const;

/** Control frame types of SPDY/3.1 that Kubernetes peers know; any other ends a connection. */
export const controlType = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;

/** A frame, or for data frames the part of it that has arrived. */
export type SpdyFrame =
  | {
      readonly type: "data";
      readonly streamId: number;
      readonly data: Buffer;
      readonly fin: boolean;
    }
  | {
      readonly type: "syn_stream";
      readonly streamId: number;
      readonly fin: boolean;
      readonly unidirectional: boolean;
      /** The compressed header block. */
      readonly block: Buffer;
    }
  | {
      readonly type: "syn_reply" | "headers";
      readonly streamId: number;
      readonly fin: boolean;
      readonly block: Buffer;
    }
  | { readonly type: "rst_stream"; readonly streamId: number; readonly status: number }
  | { readonly type: "settings" | "window_update" }
  | { readonly type: "ping"; readonly id: number }
  | { readonly type: "goaway"; readonly lastStreamId: number; readonly status: number };

/** The frames that carry a compressed header block. */
export type SpdyBlockFrame = Extract<SpdyFrame, { readonly block: Buffer }>;

/**
 * The largest control frame accepted, in bytes of payload. Kubernetes peers send some 100 bytes;
 * data frames need no bound, because their payload is passed on as it arrives.
 */
export const maxControlPayload: number = 64 * 1024;

/** The bytes before the payload of any frame. */
export const frameHeaderLength = 8;
/** The version in every control frame: SPDY/3.1 says 3. */
export const spdyVersion = 3;

function control(type: number, flags: number, fields: readonly number[], tail: Buffer): Buffer {
  const frame = Buffer.alloc(frameHeaderLength + fields.length * 4 + tail.length);
  frame.writeUInt16BE(0x8000 | spdyVersion, 0);
  frame.writeUInt16BE(type, 2);
  frame.writeUInt8(flags, 4);
  frame.writeUIntBE(frame.length - frameHeaderLength, 5, 3);
  for (const [index, field] of fields.entries()) {
    frame.writeUInt32BE(field, frameHeaderLength + index * 4);
  }
  tail.copy(frame, frameHeaderLength + fields.length * 4);
  return frame;
}

const nothing = Buffer.alloc(0);

/** A SYN_STREAM of priority 0 and without an associated stream, as Kubernetes peers send it. */
export function encodeSynStream(streamId: number, block: Buffer, fin = false): Buffer {
  // The two bytes after the ids are the priority and the credential slot.
  const tail = Buffer.concat([Buffer.alloc(2), block]);
  return control(controlType.synStream, fin ? flagFin : 0, [streamId, 0], tail);
}

/** A SYN_REPLY, which accepts a stream. */
export function encodeSynReply(streamId: number, block: Buffer): Buffer {
  return control(controlType.synReply, 0, [streamId], block);
}

/** An RST_STREAM, which refuses or aborts a stream; see {@link rstStatus}. */
export function encodeRstStream(streamId: number, status: number): Buffer {
  return control(controlType.rstStream, 0, [streamId, status], nothing);
}

/** A PING; the peer echoes it. */
export function encodePing(id: number): Buffer {
  return control(controlType.ping, 0, [id], nothing);
}

/** A GOAWAY; nothing may follow it. */
export function encodeGoAway(lastStreamId: number, status: number): Buffer {
  return control(controlType.goAway, 0, [lastStreamId, status], nothing);
}

/** The 8 bytes before `length` bytes of data (at most 2^24 - 1). */
export function encodeDataHeader(streamId: number, length: number, fin: boolean): Buffer {
  const header = Buffer.allocUnsafe(frameHeaderLength);
  header.writeUInt32BE(streamId, 0);
  header.writeUInt8(fin ? flagFin : 0, 4);
  header.writeUIntBE(length, 5, 3);
  return header;
}
