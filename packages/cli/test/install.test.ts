import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { bin, runBin } from "./dockershim-bin.js";
import { createFakeNode, type FakeNode } from "./fake-node.js";

// The command as it is installed; systemctl is a stand-in.

let node: FakeNode;
beforeEach(async () => {
  node = await createFakeNode({ "dockershim.socket": {}, "dockershim.service": {} }, {});
});
afterEach(() => node.remove());

const run = (...args: string[]) => runBin([...args, "--root", node.root], { PATH: node.path });
const service = "/etc/systemd/system/dockershim.service";
const config = "/etc/dockershim/config.yaml";
const read = (file: string): Promise<string> => readFile(join(node.root, file), "utf8");
const change = (file: string, text: string): Promise<void> =>
  writeFile(join(node.root, file), text);

/** What an installation puts below /etc and /usr, and what it leaves of units. */
async function files(): Promise<string[]> {
  return Object.keys(await node.snapshot()).filter((file) =>
    /^\/(?:root\/(?:etc|usr)|units)/.test(file),
  );
}

async function succeed(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

test("a node is set up, once, and nothing is left when that is taken away", async () => {
  const before = await files();
  expect(await succeed("install", "--dry-run")).toContain(`write ${service}`);
  expect(await files()).toEqual(before);

  await succeed("install");
  expect(await read(service)).toContain(
    `ExecStart=${process.execPath} ${bin} serve --listen fd:// --config ${config} $DOCKERSHIM_OPTS\n`,
  );
  expect(await read("/usr/local/share/man/man8/dockershim-serve.8")).toContain("\\-\\-config");
  expect(await read("/usr/local/share/zsh/site-functions/_dockershim")).toMatch(/^#compdef /);
  expect(await read(config)).toContain("cniBinDirs: [/opt/cni/bin, /usr/lib/cni");
  expect(await node.calls()).toEqual([
    "daemon-reload",
    "enable --now dockershim.socket dockershim.service",
  ]);

  expect(await succeed("install")).toBe("Nothing is left to do.\n");
  await succeed("uninstall");
  const folders = /^\/root\/(?:etc|usr)(?:\/(?!dockershim)[a-z0-9_.-]+)*$/;
  const left = (await files()).filter((file) => !before.includes(file));
  expect(left.filter((file) => !folders.test(file) || /dockershim/.test(file))).toEqual([]);
  expect(await succeed("uninstall")).toBe("Nothing is left to do.\n");
});

test("a newer version restarts the daemon, and leaves the configuration to its operator", async () => {
  await succeed("install");
  await change(service, (await read(service)).replace("WatchdogSec=60", "WatchdogSec=50"));
  await change(config, "logLevel: debug\n");
  await succeed("install");
  expect(await read(service)).toContain("WatchdogSec=60");
  expect(await read(config)).toBe("logLevel: debug\n");
  expect((await node.calls()).slice(2)).toEqual(["daemon-reload", "restart dockershim.service"]);

  expect(await succeed("uninstall")).toContain(`Left as it is: ${config}: it was changed`);
  expect(await read(config)).toBe("logLevel: debug\n");
});

test("when the daemon does not start, all is as it was", async () => {
  const before = await node.snapshot();
  await node.fail("enable --now dockershim.socket dockershim.service");
  const { code, stdout } = await run("install");
  expect(stdout).toMatch(/Failed: systemctl enable .*: Job failed\.\n/);
  expect(stdout).toMatch(/All is as it was before\.\n$/);
  expect(code).toBe(1);
  const files = Object.entries(await node.snapshot()).filter(([, text]) => text !== "");
  expect(files).toEqual(Object.entries(before).filter(([, text]) => text !== ""));
});

test.each([
  [
    "a package's unit",
    "/usr/lib/systemd/system/dockershim.service",
    /the node has the package dockershim/,
  ],
  ["somebody else's unit", service, /dockershim\.service is there, and was not written by/],
])("%s is left alone", async (_what, file, words) => {
  await mkdir(join(node.root, file, ".."), { recursive: true });
  await change(file, "[Service]\nExecStart=/usr/bin/dockershim serve\n");
  const before = await node.snapshot();
  const { code, stderr } = await run("install");
  expect(stderr).toMatch(words);
  expect(code).toBe(1);
  expect(await node.snapshot()).toEqual(before);
  expect(await node.calls()).toEqual([]);
});
