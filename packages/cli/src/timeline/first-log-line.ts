import { open } from "node:fs/promises";

/**
 * When a container has written its first line, of its log in CRI's format.
 *
 * @returns Milliseconds since the epoch; undefined where there is no such line, or the file cannot be read.
 */
export async function firstLogLineAt(path: string): Promise<number | undefined> {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0);
      const [time] = buffer.subarray(0, bytesRead).toString().split(" ");
      const at = Date.parse(time ?? "");
      return Number.isNaN(at) ? undefined : at + microsecondsOf(time ?? "");
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}

/** What Date leaves out of a time with nine digits, in milliseconds. */
function microsecondsOf(time: string): number {
  const digits = /\.\d{3}(\d+)/.exec(time)?.[1];
  return digits === undefined ? 0 : Number(`0.${digits}`);
}
