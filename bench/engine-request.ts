import { request } from "node:http";

/**
 * One request to the Docker Engine API, as another program of the node would send it, over a connection
 * that Node keeps open.
 *
 * @param socket Path of the engine's socket.
 * @param path Route with its query, such as `/containers/ID/kill`.
 * @param body Sent as JSON.
 * @returns The JSON reply, or undefined when it is empty.
 */
export async function engineRequest(
  socket: string,
  verb: "GET" | "POST" | "DELETE",
  path: string,
  body?: object,
): Promise<unknown> {
  return await new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers =
      text === undefined
        ? {}
        : { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) };
    const sent = request({ socketPath: socket, method: verb, path, headers }, (reply) => {
      const chunks: Buffer[] = [];
      reply.on("data", (chunk: Buffer) => chunks.push(chunk));
      reply.on("error", reject);
      reply.on("end", () => {
        const answer = Buffer.concat(chunks).toString();
        const failed = (reply.statusCode ?? 500) >= 400;
        if (failed) reject(new Error(`${verb} ${path}: ${reply.statusCode} ${answer.trim()}`));
        else resolve(answer.trim() === "" ? undefined : JSON.parse(answer));
      });
    });
    sent.on("error", reject);
    sent.end(text);
  });
}
