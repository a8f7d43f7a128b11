import { chmod, mkdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { specHookProgram } from "@dockershim/spec-hook/program";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
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

test("the daemon is started again however often it fails", async () => {
  await succeed("install");
  const [, ofUnit = "", ofService = ""] = (await read(service)).split(/^\[(?:Unit|Service)\]$/m);
  expect(ofUnit).toMatch(/^StartLimitIntervalSec=0$/m);
  expect(ofService).toMatch(/^Restart=always$/m);
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

describe("Docker's entry for the spec hook", () => {
  const daemonJson = "/etc/docker/daemon.json";
  const program = "/usr/bin/dockershim-runc";
  const before = { "log-driver": "local", runtimes: { kata: { path: "/k" } } };
  const text = JSON.stringify(before, undefined, 4);

  async function dockerNode(json: string | undefined, command = "dockerd"): Promise<void> {
    await node.remove();
    node = await createFakeNode(
      { "docker.service": { active: true, command } },
      { [program]: "", ...(json === undefined ? {} : { [daemonJson]: json }) },
    );
    await chmod(join(node.root, program), 0o755);
  }

  test("is added to what is there, once, and taken away again", async () => {
    await dockerNode(text);
    expect(await succeed("install", "--spec-hook", "--dry-run")).toContain(`change ${daemonJson}`);
    expect(await read(daemonJson)).toBe(text);
    await succeed("install", "--spec-hook");
    const runtimes = { ...before.runtimes, dockershim: { path: program } };
    expect(await read(daemonJson)).toBe(
      `${JSON.stringify({ ...before, runtimes }, undefined, 4)}\n`,
    );
    expect(await node.calls()).toEqual(["reload docker.service"]);
    expect(await succeed("install", "--spec-hook")).toBe("Nothing is left to do.\n");
    await succeed("uninstall", "--spec-hook");
    expect(await read(daemonJson)).toBe(`${text}\n`);
    expect(await node.calls()).toHaveLength(2);
  });

  test("is a file of its own where there was none, and goes with it", async () => {
    await dockerNode(undefined);
    await succeed("install", "--spec-hook");
    expect(JSON.parse(await read(daemonJson))).toEqual({
      runtimes: { dockershim: { path: program } },
    });
    await succeed("uninstall", "--spec-hook");
    expect(await files()).not.toContain(`/root${daemonJson}`);
  });

  test("is taken back when Docker does not take it", async () => {
    await dockerNode(text);
    await node.fail("reload docker.service");
    expect((await run("install", "--spec-hook")).code).toBe(1);
    expect(await read(daemonJson)).toBe(text);
  });

  test.each([
    ["no JSON", "{", "dockerd", /daemon\.json is no JSON: /],
    [
      "another runtime of that name",
      JSON.stringify({ runtimes: { dockershim: { path: "/x" } } }),
      "dockerd",
      /has a runtime dockershim that is not the spec hook/,
    ],
    ["runtimes among Docker's flags", "{}", "dockerd --add-runtime a=/b", /has --add-runtime/],
  ])("is refused beside %s", async (_case, json, command, reason) => {
    await dockerNode(json, command);
    const { code, stderr } = await run("install", "--spec-hook");
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(reason) });
    expect(await read(daemonJson)).toBe(json);
  });

  const local = ["containerd-shim-dockershim-v2", "dockershim-runc"].map(
    (name) => `/usr/local/bin/${name}`,
  );
  const bytes = async (file: string) => await readFile(join(node.root, file));

  /** Without a package of the distribution. */
  async function bareNode(programs: Readonly<Record<string, string | Uint8Array>> = {}) {
    await dockerNode(text);
    await rm(join(node.root, program));
    await mkdir(join(node.root, "/usr/local/bin"), { recursive: true });
    for (const [file, content] of Object.entries(programs)) {
      await writeFile(join(node.root, file), content);
    }
  }

  test("comes with the program where no package has put it, and goes with it", async () => {
    await bareNode();
    const before = await files();
    expect(await succeed("install", "--spec-hook", "--dry-run")).toContain(`write ${local[0]}\n`);
    expect(await files()).toEqual(before);
    await succeed("install", "--spec-hook");
    for (const file of local) {
      expect(await bytes(file)).toEqual(specHookProgram(process.arch));
      expect((await stat(join(node.root, file))).mode & 0o777).toBe(0o755);
    }
    expect(JSON.parse(await read(daemonJson)).runtimes.dockershim.path).toBe(local[1]);
    expect(await succeed("install", "--spec-hook")).toBe("Nothing is left to do.\n");
    await succeed("uninstall", "--spec-hook");
    expect(await files()).toEqual(before);
  });

  test("comes with a newer program where there is one of an earlier version", async () => {
    const [shim = "", runc = ""] = local;
    await bareNode({ [shim]: "\u007fELF /run/dockershim/spec-hook/" });
    await symlink("containerd-shim-dockershim-v2", join(node.root, runc));
    await succeed("install", "--spec-hook");
    for (const file of local) expect(await bytes(file)).toEqual(specHookProgram(process.arch));
    await succeed("uninstall", "--spec-hook");
    for (const file of local) expect(await files()).not.toContain(`/root${file}`);
  });

  test("takes the program back as well when Docker does not take it", async () => {
    await bareNode();
    const before = await files();
    await node.fail("reload docker.service");
    expect((await run("install", "--spec-hook")).code).toBe(1);
    expect(await files()).toEqual(before);
  });

  test("leaves somebody else's program alone", async () => {
    const [, runc = ""] = local;
    await bareNode({ [runc]: "#!/bin/sh\n" });
    const { code, stderr } = await run("install", "--spec-hook");
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/dockershim-runc is there, and is not the spec hook/),
    });
    expect(await succeed("uninstall", "--spec-hook")).toBe("Nothing is left to do.\n");
    expect(await read(runc)).toBe("#!/bin/sh\n");
  });
});
