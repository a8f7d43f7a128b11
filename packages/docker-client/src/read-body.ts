import type { IncomingMessage } from "node:http";

/**
 * The body as text, of a longer one the first `maxBytes`. Fails when the connection is cut before
 * the end of the body.
 */
export function readText(
  response: IncomingMessage,
  maxBytes: number = Number.POSITIVE_INFINITY,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    response.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length > maxBytes) {
        resolve(Buffer.concat(chunks, maxBytes).toString("utf8"));
        response.destroy();
      }
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
