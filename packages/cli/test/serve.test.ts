import { once } from "node:events";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { runBin, startBin } from "./dockershim-bin.js";

let dir: string;
let child: ReturnType<typeof startBin> | undefined;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "cli-serve-"));
});
afterEach(async () => {
  child?.kill("SIGKILL");
  child = undefined;
  await rm(dir, { recursive: true });
});

/** Starts a daemon whose engine is away, and waits until it serves. */
async function serve(...args: string[]) {
  const started = startBin([
    "serve",
    ...["--docker-endpoint", `unix://${dir}/no-docker.sock`],
    ...["--root-dir", join(dir, "root"), "--network-plugin", "none"],
    ...args,
  ]);
  child = started;
  for await (const line of createInterface({ input: started.stdout })) {
    if (JSON.parse(line).msg === "ready") break;
  }
  started.stdout.resume();
  return started;
}

test.each(["SIGTERM", "SIGINT"] as const)("a daemon ends with code 0 after %s", async (signal) => {
  const socket = join(dir, "cri.sock");
  const daemon = await serve("--listen", `unix://${socket}`);
  daemon.kill(signal);
  expect(await once(daemon, "exit")).toEqual([0, null]);
  await expect(stat(socket)).rejects.toMatchObject({ code: "ENOENT" });
});

test("a flag comes before the file, and the file before the default", async () => {
  const config = join(dir, "config.yaml");
  await writeFile(config, `listen: unix://${dir}/file.sock\nlogLevel: info\n`);
  await serve("--config", config);
  expect((await stat(join(dir, "file.sock"))).isSocket()).toBe(true);
  child?.kill("SIGKILL");
  await serve("--config", config, "--listen", `unix://${dir}/flag.sock`);
  expect((await stat(join(dir, "flag.sock"))).isSocket()).toBe(true);
});

test("a daemon that cannot start says why in one line: code 1", async () => {
  await writeFile(join(dir, "file"), "");
  const { stderr, code } = await runBin([
    "serve",
    ...["--listen", `unix://${dir}/file`, "--root-dir", join(dir, "root")],
    ...["--docker-endpoint", `unix://${dir}/no-docker.sock`, "--network-plugin", "none"],
  ]);
  expect(stderr).toMatch(/^dockershim: listen: .*\/file exists and is not a socket\n$/);
  expect(code).toBe(1);
});
