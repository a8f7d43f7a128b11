import { maxMessageBytes } from "../messages/message-size.js";

/** Room for what a reply holds besides the output: field headers and the exit code. */
const overheadBytes = 64;

/**
 * The most output of an ExecSync, in bytes. CRI caps the output of a reply at 16 MiB, and that is
 * also the largest message that the kubelet and crictl take; so both streams share it.
 */
export const outputLimit: number = maxMessageBytes - overheadBytes;

/**
 * Cuts the output of a command to what a reply can hold. The stream that wrote less is kept whole
 * up to half of the room; the other one gets the rest.
 */
export function limitOutput(
  stdout: readonly Uint8Array[],
  stderr: readonly Uint8Array[],
  limit: number = outputLimit,
): { stdout: Uint8Array<ArrayBuffer>; stderr: Uint8Array<ArrayBuffer> } {
  const out = sizeOf(stdout);
  const err = sizeOf(stderr);
  const half = Math.floor(limit / 2);
  return {
    stdout: join(stdout, Math.min(out, Math.max(limit - err, half))),
    stderr: join(stderr, Math.min(err, Math.max(limit - out, limit - half))),
  };
}

function sizeOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((size, chunk) => size + chunk.length, 0);
}

function join(chunks: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    if (offset === size) break;
    const piece = chunk.subarray(0, size - offset);
    all.set(piece, offset);
    offset += piece.length;
  }
  return all;
}
