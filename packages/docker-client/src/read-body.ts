import type { IncomingMessage } from "node:http";

/**
 * The body as text.
 *
 * @param maxBytes How long it may be.
 * @param longer What becomes of a longer one: it fails with a `RangeError`, or its beginning has to do.
 * @throws When the connection is cut before the end of the body.
 */
export function readText(
  response: IncomingMessage,
  maxBytes: number,
  longer: "fails" | "is cut" = "fails",
): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    response.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length <= maxBytes) return;
      if (longer === "is cut") resolve(Buffer.concat(chunks, maxBytes).toString("utf8"));
      else reject(new RangeError(`it is longer than ${maxBytes} bytes`));
      response.destroy();
    });
    response.on("end", () => resolve(Buffer.concat(chunks, length).toString("utf8")));
    response.on("error", reject);
    // An aborted message closes without `end`; after `end` this rejection comes too late to count.
    response.on("close", () => reject(response.errored ?? new Error("the reply was cut off")));
    if (response.destroyed && !response.readableEnded) {
      reject(response.errored ?? new Error("the reply was cut off"));
    }
  });
}
