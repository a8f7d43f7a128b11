import { constants } from "node:fs";
import { open, stat } from "node:fs/promises";

/** A network configuration is some kilobytes. */
export const maxConfigBytes: number = 1024 * 1024;

/**
 * Reads a text file, and nothing that is no file: to open a FIFO that nobody writes to takes for
 * ever, four of them hold up all of Node's file access, and the process cannot even end.
 *
 * @param maxBytes the most that it may hold
 * @throws Error what the system says, or why it is not read
 */
export async function readRegularFile(path: string, maxBytes: number): Promise<string> {
  // Before it is opened, since that alone may set a device off.
  if (!(await stat(path)).isFile()) throw new Error("not a regular file");
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { size } = await file.stat();
    // One more byte, to see that there is one.
    const content = Buffer.alloc(Math.min(size, maxBytes) + 1);
    let length = 0;
    while (length < content.length) {
      const { bytesRead } = await file.read(content, length, content.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    if (length > maxBytes) throw new Error(`more than ${maxBytes} bytes`);
    return content.toString("utf8", 0, length);
  } finally {
    await file.close();
  }
}
