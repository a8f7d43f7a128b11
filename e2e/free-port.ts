import { createServer } from "node:net";

/** A port of that address that nobody listens on. */
export function freePort(address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, address, () => {
      const bound = server.address();
      if (typeof bound !== "object" || bound === null) return reject(new Error("no port"));
      server.close(() => resolve(bound.port));
    });
  });
}
