/** Stream numbers of the engine's frames. */
export type FrameStream = "stdin" | "stdout" | "stderr" | "system";

/** A piece of a frame's payload. */
export interface FramePiece {
  stream: FrameStream;
  data: Buffer;
  /** Whether the frame ends with it. An empty frame is one empty piece. */
  last: boolean;
}

/** Takes the engine's multiplexed output apart. */
export interface Demultiplexer {
  /** The pieces within the next bytes, in order. Throws a `RangeError` on what is no frame. */
  push(chunk: Buffer): FramePiece[];
  /** Whether the input may end here: between two frames. */
  atBoundary(): boolean;
}

const headerLength = 8;
const streams: readonly FrameStream[] = ["stdin", "stdout", "stderr", "system"];

/**
 * Without a terminal the engine interleaves stdout and stderr in frames: stream number, three
 * zeros, the length of the payload in 32 bits (big-endian), the payload (Docker API, "Attach to a
 * container", stream format). Frames come cut anywhere. Pieces are views of the input, uncopied.
 * Frames longer than `maxFrameLength` count as nonsense: a stream that is none would otherwise be
 * read as a frame of gigabytes.
 */
export function createDemultiplexer(maxFrameLength: number = 0xffff_ffff): Demultiplexer {
  const header = Buffer.alloc(headerLength);
  let headerFill = 0;
  let stream: FrameStream = "stdout";
  let remaining = 0;

  function readHeader(): void {
    const number = header.readUInt8(0);
    const length = header.readUInt32BE(4);
    const named = streams[number];
    if (named === undefined || header.readUIntBE(1, 3) !== 0 || length > maxFrameLength) {
      throw new RangeError(`${header.toString("hex")} is no header of a frame`);
    }
    stream = named;
    remaining = length;
  }

  return {
    push(chunk) {
      const pieces: FramePiece[] = [];
      let at = 0;
      while (at < chunk.length) {
        if (headerFill < headerLength) {
          const taken = Math.min(headerLength - headerFill, chunk.length - at);
          chunk.copy(header, headerFill, at, at + taken);
          headerFill += taken;
          at += taken;
          if (headerFill < headerLength) break;
          readHeader();
          if (remaining > 0) continue;
        }
        const data = chunk.subarray(at, at + remaining);
        at += data.length;
        remaining -= data.length;
        const last = remaining === 0;
        if (last) headerFill = 0;
        pieces.push({ stream, data, last });
      }
      return pieces;
    },
    atBoundary: () => headerFill === 0,
  };
}
