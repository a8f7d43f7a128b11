import { connect, createServer } from "node:net";

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

/** Whether somebody listens on that port. */
export function listens(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, address);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
