/** The types of frames that unary calls need. Streams, which NRI has none of, have a third. */
export const requestFrame = 1;
export const responseFrame = 2;

/** The most bytes that a message may have. */
export const maxMessage: number = 4 << 20;

const headerLength = 10;

/** One message of ttrpc. */
export interface TtrpcFrame {
  /** Odd: the client's, in ascending order. */
  readonly stream: number;
  readonly type: number;
  readonly flags: number;
  /** Length that the header tells, in bytes. */
  readonly length: number;
  /** Absent when the message is too large; it has been skipped. */
  readonly payload?: Uint8Array;
}

/** A frame as github.com/containerd/ttrpc sends it: a header of ten bytes, big-endian, and a message. */
export function encodeFrame(stream: number, type: number, payload: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(headerLength + payload.length);
  frame.writeUInt32BE(payload.length, 0);
  frame.writeUInt32BE(stream, 4);
  frame[8] = type;
  frame[9] = 0;
  frame.set(payload, headerLength);
  return frame;
}

/** Takes frames off a stream, in whatever pieces it comes. Never throws. */
export function createFrameReader(
  deliver: (frame: TtrpcFrame) => void,
): (piece: Uint8Array) => void {
  const header = Buffer.alloc(headerLength);
  let headerFilled = 0;
  let length = 0;
  let missing = 0;
  let pieces: Uint8Array[] = [];

  function finish(): void {
    const tooLarge = length > maxMessage;
    const frame: TtrpcFrame = {
      stream: header.readUInt32BE(4),
      type: header[8] ?? 0,
      flags: header[9] ?? 0,
      length,
      ...(tooLarge ? {} : { payload: Buffer.concat(pieces) }),
    };
    headerFilled = 0;
    pieces = [];
    deliver(frame);
  }

  return (piece) => {
    let at = 0;
    while (at < piece.length) {
      if (headerFilled < headerLength) {
        header[headerFilled++] = piece[at++] ?? 0;
        if (headerFilled < headerLength) continue;
        length = header.readUInt32BE(0);
        missing = length;
      } else {
        const part = piece.subarray(at, at + missing);
        at += part.length;
        missing -= part.length;
        if (length <= maxMessage) pieces.push(part);
      }
      if (missing === 0) finish();
    }
  };
}
