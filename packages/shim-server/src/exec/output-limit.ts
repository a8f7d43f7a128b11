import { maxMessageBytes } from "../messages/message-size.js";

/** Room for what a reply holds besides the output: field headers and the exit code. */
const overheadBytes = 64;

/** Room for the line that tells what was cut. */
const noticeBytes = 256;

/**
 * The most output of an ExecSync, in bytes. CRI caps the output of a reply at 16 MiB, and that is
 * also the largest message that the kubelet and crictl take; so both streams share it.
 */
export const outputLimit: number = maxMessageBytes - overheadBytes;

/** What a command wrote to one stream. */
export interface CapturedOutput {
  /** The beginning of it, at least as much as a reply holds. */
  readonly chunks: readonly Uint8Array[];
  /** The length of all of it, in bytes. */
  readonly bytes: number;
}

/**
 * Cuts the output of a command to what a reply can hold. The stream that wrote less is kept whole
 * up to half of the room; the other one gets the rest.
 *
 * CRI wants a command whose output is cut to succeed all the same (ExecSyncResponse.stdout), so the
 * cut is told in the last line of stderr: programs read stdout, and the kubelet only shows stderr.
 */
export function limitOutput(
  stdout: CapturedOutput,
  stderr: CapturedOutput,
  limit: number = outputLimit,
): { stdout: Uint8Array<ArrayBuffer>; stderr: Uint8Array<ArrayBuffer> } {
  if (stdout.bytes + stderr.bytes <= limit) return { stdout: join(stdout), stderr: join(stderr) };
  const room = limit - noticeBytes;
  const half = Math.floor(room / 2);
  const out = join(stdout, Math.max(room - stderr.bytes, half));
  const err = join(stderr, Math.max(room - stdout.bytes, room - half));
  const notice = describeCut([
    ["stdout", out.length, stdout.bytes],
    ["stderr", err.length, stderr.bytes],
  ]);
  const apart = err.length === 0 || err.at(-1) === 0x0a ? "" : "\n";
  return { stdout: out, stderr: Buffer.concat([err, Buffer.from(`${apart}${notice}\n`)]) };
}

function describeCut(streams: [name: string, kept: number, written: number][]): string {
  const cut = streams
    .filter(([, kept, written]) => kept < written)
    .map(([name, kept, written]) => `${name} after ${kept} of ${written} bytes`);
  return `dockershim: cut ${cut.join(" and ")}: ExecSync answers with 16 MiB at most, Exec has no limit`;
}

function join({ chunks, bytes }: CapturedOutput, most = bytes): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(Math.min(bytes, most));
  let offset = 0;
  for (const chunk of chunks) {
    if (offset === all.length) break;
    const piece = chunk.subarray(0, all.length - offset);
    all.set(piece, offset);
    offset += piece.length;
  }
  return all;
}
