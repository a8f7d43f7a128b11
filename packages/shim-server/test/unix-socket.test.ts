import { once } from "node:events";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { criSocket, listenOnCriSocket } from "../src/server/unix-socket.js";

/** Node's handle knows its descriptor, which has no public name. */
function fdOf(socket: Socket): number {
  return (socket as unknown as { _handle: { fd: number } })._handle.fd;
}

describe("the CRI socket", () => {
  let dir: string;
  let servers: Server[];
  let sockets: Socket[];
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "shim-socket-"));
    servers = [];
    sockets = [];
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
    await rm(dir, { recursive: true });
  });
  function server(): Server {
    const made = createServer();
    servers.push(made);
    return made;
  }

  test("is for its owner only, in a directory made for it", async () => {
    const path = join(dir, "deep", "shim.sock");
    await listenOnCriSocket(server(), { path });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test("replaces the file that a killed daemon left behind", async () => {
    const path = join(dir, "shim.sock");
    const { spawnSync } = await import("node:child_process");
    const dies = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
    spawnSync(process.execPath, ["-e", dies]);
    expect((await stat(path)).isSocket()).toBe(true);
    await listenOnCriSocket(server(), { path });
  });

  test("is refused while another process serves on it", async () => {
    const path = join(dir, "shim.sock");
    await listenOnCriSocket(server(), { path });
    await expect(listenOnCriSocket(server(), { path })).rejects.toMatchObject({
      code: "failed_precondition",
      message: expect.stringContaining("another process"),
    });
  });

  test("never replaces a file that is no socket", async () => {
    const path = join(dir, "precious");
    await writeFile(path, "data");
    await expect(listenOnCriSocket(server(), { path })).rejects.toMatchObject({
      code: "failed_precondition",
    });
  });

  test.each(["unix:///run/x.sock", "/run/x.sock"])("%s names its path", (endpoint) => {
    expect(criSocket(endpoint)).toEqual({ path: "/run/x.sock" });
  });

  test.each([
    ["a descriptor that is not open", "fd://987", /descriptor 987 is not open/],
    ["a descriptor of something else", "fd://0", /no listening/],
    [
      "a socket that is connected",
      async () => {
        const path = join(dir, "shim.sock");
        await listenOnCriSocket(server(), { path });
        const client = connect(path);
        sockets.push(client);
        await once(client, "connect");
        return `fd://${fdOf(client)}`;
      },
      /no listening/,
    ],
  ])("%s is no CRI socket", async (_, endpoint, message) => {
    const named = typeof endpoint === "string" ? endpoint : await endpoint();
    expect(() => criSocket(named)).toThrow(message);
  });
});
