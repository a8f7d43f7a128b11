import { request } from "node:http";

/**
 * One request to the Docker Engine API, as another program of the node would send it.
 *
 * @param socket Path of the engine's socket.
 * @param path Route with its query, such as `/containers/ID/kill`.
 * @returns The JSON reply, or undefined when it is empty.
 */
export async function engineRequest(
  socket: string,
  verb: "GET" | "POST" | "DELETE",
  path: string,
): Promise<unknown> {
  return await new Promise((resolve, reject) => {
    const sent = request({ socketPath: socket, method: verb, path }, (reply) => {
      const chunks: Buffer[] = [];
      reply.on("data", (chunk: Buffer) => chunks.push(chunk));
      reply.on("error", reject);
      reply.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        const failed = (reply.statusCode ?? 500) >= 400;
        if (failed) reject(new Error(`${verb} ${path}: ${reply.statusCode} ${text.trim()}`));
        else resolve(text.trim() === "" ? undefined : JSON.parse(text));
      });
    });
    sent.on("error", reject);
    sent.end();
  });
}
