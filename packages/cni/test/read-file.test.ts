import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { loadNetworks } from "../src/discovery.js";
import { maxConfigBytes, readRegularFile } from "../src/read-file.js";

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "cni-read-"));
});
afterEach(() => rm(dir, { recursive: true }));

const usable = JSON.stringify({ name: "net", cniVersion: "1.0.0", plugins: [{ type: "first" }] });

describe("a folder of network configurations", () => {
  test("with FIFOs, sockets and devices in it has its networks all the same", async () => {
    // As many as Node has threads for files, of which each would be taken for ever.
    const fifos = ["0.conf", "1.conf", "2.conf", "3.conf", "4.conf"].map((name) => join(dir, name));
    execFileSync("mkfifo", fifos);
    const server = createServer().listen(join(dir, "5.conf"));
    await once(server, "listening");
    await writeFile(join(dir, "9.conflist"), usable);
    await mkdir(join(dir, "net"));
    try {
      const { networks, rejected } = await loadNetworks(dir);
      expect(networks.map(({ name }) => name)).toEqual(["net"]);
      expect(rejected.map(({ file, error }) => `${file}: ${error.message}`)).toEqual(
        [...fifos, join(dir, "5.conf")].map(
          (file) => `${file}: cannot use ${file}: not a regular file`,
        ),
      );
    } finally {
      server.close();
    }
  });

  test("with a FIFO among a network's own plugins rejects that network", async () => {
    await writeFile(join(dir, "9.conflist"), usable);
    await mkdir(join(dir, "net"));
    execFileSync("mkfifo", [join(dir, "net", "0.conf")]);
    const { networks, rejected } = await loadNetworks(dir);
    expect(networks).toEqual([]);
    expect(rejected.map(({ error }) => error.message)).toEqual([
      `${join(dir, "net", "0.conf")}: not a regular file`,
    ]);
  });

  test("rejects a configuration of more than 1 MiB", async () => {
    await writeFile(join(dir, "0.conflist"), usable.padEnd(maxConfigBytes + 1));
    await writeFile(join(dir, "1.conflist"), usable.padEnd(maxConfigBytes));
    const { networks, rejected } = await loadNetworks(dir);
    expect(networks.map(({ file }) => file)).toEqual([join(dir, "1.conflist")]);
    expect(rejected.map(({ error }) => error.message)).toEqual([
      expect.stringContaining(`more than ${maxConfigBytes} bytes`),
    ]);
  });
});

test("a device is not read", async () => {
  await expect(readRegularFile("/dev/zero", 10)).rejects.toThrow("not a regular file");
});
