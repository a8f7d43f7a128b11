import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { listenOnUnixSocket, socketPath } from "../src/server/unix-socket.js";

describe("the CRI socket", () => {
  let dir: string;
  let servers: Server[];
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "shim-socket-"));
    servers = [];
  });
  afterEach(async () => {
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
    await listenOnUnixSocket(server(), path);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test("replaces the file that a killed daemon left behind", async () => {
    const path = join(dir, "shim.sock");
    const { spawnSync } = await import("node:child_process");
    const dies = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
    spawnSync(process.execPath, ["-e", dies]);
    expect((await stat(path)).isSocket()).toBe(true);
    await listenOnUnixSocket(server(), path);
  });

  test("is refused while another process serves on it", async () => {
    const path = join(dir, "shim.sock");
    await listenOnUnixSocket(server(), path);
    await expect(listenOnUnixSocket(server(), path)).rejects.toMatchObject({
      code: "failed_precondition",
      message: expect.stringContaining("another process"),
    });
  });

  test("never replaces a file that is no socket", async () => {
    const path = join(dir, "precious");
    await writeFile(path, "data");
    await expect(listenOnUnixSocket(server(), path)).rejects.toMatchObject({
      code: "failed_precondition",
    });
  });

  test.each(["unix:///run/x.sock", "/run/x.sock"])("%s names its path", (endpoint) => {
    expect(socketPath(endpoint)).toBe("/run/x.sock");
  });
});
