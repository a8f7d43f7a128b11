import { mkdir, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { until } from "@dockershim/testing";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { type Cni, createCni } from "../src/cni.js";
import { loadNetworks } from "../src/discovery.js";
import { type NetworkState, type NetworkWatcher, watchNetworks } from "../src/watch.js";
import { createFakePlugins, type FakePlugins, failing } from "./fake-plugins.js";

let fakes: FakePlugins;
let cni: Cni;
let confDir: string;
let watchers: NetworkWatcher[];
let logged: string[];

beforeEach(async () => {
  fakes = await createFakePlugins();
  await fakes.install("first", { versions: ["0.4.0", "1.0.0"] });
  await fakes.install("ready", { versions: ["1.0.0", "1.1.0"] });
  cni = createCni({ binDirs: [fakes.binDir], cacheDir: fakes.cacheDir });
  confDir = join(fakes.root, "net.d");
  await mkdir(confDir);
  watchers = [];
  logged = [];
});

afterEach(async () => {
  for (const watcher of watchers) watcher.close();
  cni.close();
  await fakes.remove();
});

/** Polls so seldom by default that only events can make a test pass. */
async function watch(options: Partial<Parameters<typeof watchNetworks>[0]> = {}) {
  const watcher = await watchNetworks({
    confDir,
    binDirs: [fakes.binDir],
    cni,
    pollMs: 1_000_000,
    fallbackPollMs: 1_000_000,
    statusIntervalMs: 1_000_000,
    log: (_level, _message, fields) => logged.push(`${fields?.file}: ${fields?.reason}`),
    ...options,
  });
  watchers.push(watcher);
  return watcher;
}

/** Resolves to the first state that fits, now or later. */
function reaches(
  watcher: NetworkWatcher,
  fits: (state: NetworkState) => boolean,
): Promise<NetworkState> {
  return new Promise((resolve) => {
    const stop = watcher.onChange((state) => settle(state));
    const settle = (state: NetworkState) => {
      if (fits(state)) {
        stop();
        resolve(state);
      }
    };
    settle(watcher.current());
  });
}

const isNamed = (name: string) => (state: NetworkState) =>
  state.ready && state.network.name === name;
const isNotReady = (state: NetworkState) => !state.ready;

const conf = (name: string, members: object = {}) =>
  JSON.stringify({ cniVersion: "1.0.0", name, plugins: [{ type: "first" }], ...members });

const put = (file: string, text: string) => writeFile(join(confDir, file), text);

describe("the configuration directory", () => {
  test("is read in bytewise order of names, with the three extensions", async () => {
    await put("a.conflist", conf("a"));
    await put("B.conf", JSON.stringify({ cniVersion: "1.0.0", name: "b", type: "first" }));
    await put("10-c.json", conf("c"));
    await put("ä.conf", conf("last"));
    await put("README.md", "no");
    await put("x.conf.bak", "no");
    await mkdir(join(confDir, "0.conf"));
    const { networks, rejected } = await loadNetworks(confDir);
    expect(networks.map(({ name }) => name)).toEqual(["c", "b", "a", "last"]);
    expect(networks[0]?.file).toBe(join(confDir, "10-c.json"));
    expect(rejected).toEqual([]);
  });

  test("tells which files were rejected and why", async () => {
    await put("1.conf", "{");
    await put("2.conflist", conf("ok"));
    const { networks, rejected } = await loadNetworks(confDir);
    expect(networks.map(({ name }) => name)).toEqual(["ok"]);
    expect(rejected).toMatchObject([
      { file: join(confDir, "1.conf"), error: { code: "invalid_config" } },
    ]);
  });

  test("has the plugins of a network in a folder of its name", async () => {
    await put("1.conflist", conf("net"));
    await mkdir(join(confDir, "net"));
    await put("net/2.conf", JSON.stringify({ type: "second" }));
    await put("net/1.conf", JSON.stringify({ type: "zero" }));
    await put("net/3.conflist", JSON.stringify({ type: "not-this" }));
    const { networks } = await loadNetworks(confDir);
    expect(networks[0]?.plugins.map(({ type }) => type)).toEqual(["first", "zero", "second"]);
  });

  test("has a network rejected for a broken plugin in its folder", async () => {
    await put("1.conflist", conf("net"));
    await mkdir(join(confDir, "net"));
    await put("net/1.conf", "{}");
    const { rejected } = await loadNetworks(confDir);
    expect(rejected[0]?.error.message).toContain(join(confDir, "net", "1.conf"));
  });

  test("need not exist, but must be a directory that can be read", async () => {
    expect(await loadNetworks(join(confDir, "none"))).toEqual({ networks: [], rejected: [] });
  });
});

describe("the default network", () => {
  test("is missing with a reason in an empty directory", async () => {
    expect((await watch()).current()).toEqual({
      ready: false,
      reason: `no network configuration in ${confDir}`,
      error: undefined,
    });
  });

  test("is that of the first file", async () => {
    await put("20.conflist", conf("later"));
    await put("10.conflist", conf("sooner"));
    expect((await watch()).current()).toMatchObject({ ready: true, network: { name: "sooner" } });
  });

  test("is that of the first file that is usable; the others are logged, once", async () => {
    await put("10.conflist", "{");
    await put("20.conflist", conf("x", { plugins: [{ type: "missing" }] }));
    await put("30.conflist", conf("y", { cniVersion: "0.3.1" }));
    await put("40.conflist", conf("good"));
    const watcher = await watch();
    expect(watcher.current()).toMatchObject({ ready: true, network: { name: "good" } });
    await watcher.refresh();
    expect(logged).toHaveLength(3);
    expect(logged[0]).toMatch(/10\.conflist: not JSON/);
    expect(logged[1]).toMatch(/20\.conflist: plugin "missing" is not in/);
    expect(logged[2]).toMatch(/30\.conflist: plugin first does not support version 0\.3\.1/);
  });

  test("has a reason that names each file when none is usable", async () => {
    await put("10.conflist", "{");
    const state = (await watch()).current();
    expect(state).toMatchObject({ ready: false, error: { code: "invalid_config" } });
    expect(!state.ready && state.reason).toMatch(/10\.conflist: not JSON/);
  });
});

describe("a change is seen:", () => {
  test("a file that arrives", async () => {
    const watcher = await watch();
    await put("10.conflist", conf("new"));
    await reaches(watcher, isNamed("new"));
  });

  test("a file that arrives before the one in use", async () => {
    await put("20.conflist", conf("old"));
    const watcher = await watch();
    await put("10.conflist", conf("new"));
    await reaches(watcher, isNamed("new"));
  });

  test("a file that is moved in", async () => {
    const watcher = await watch();
    const elsewhere = join(fakes.root, "elsewhere");
    await writeFile(elsewhere, conf("new"));
    await rename(elsewhere, join(confDir, "10.conflist"));
    await reaches(watcher, isNamed("new"));
  });

  test("a file whose content changes", async () => {
    await put("10.conflist", conf("old"));
    const watcher = await watch();
    await put("10.conflist", conf("new"));
    await reaches(watcher, isNamed("new"));
  });

  test("a file that breaks, and is mended", async () => {
    await put("10.conflist", conf("net"));
    const watcher = await watch();
    await put("10.conflist", '{"name":');
    const state = await reaches(watcher, isNotReady);
    expect(!state.ready && state.reason).toMatch(/not JSON/);
    await put("10.conflist", conf("net"));
    await reaches(watcher, isNamed("net"));
  });

  test("a file that vanishes, with and without another one to take its place", async () => {
    await put("10.conflist", conf("first"));
    await put("20.conflist", conf("second"));
    const watcher = await watch();
    await rm(join(confDir, "10.conflist"));
    await reaches(watcher, isNamed("second"));
    await rm(join(confDir, "20.conflist"));
    await reaches(watcher, isNotReady);
  });

  test("a plugin that is installed later", async () => {
    await put("10.conflist", conf("net", { plugins: [{ type: "later" }] }));
    const watcher = await watch();
    expect(watcher.current().ready).toBe(false);
    await fakes.install("later");
    await reaches(watcher, isNamed("net"));
  });

  test("a plugin object in the network's folder", async () => {
    await put("10.conflist", conf("net"));
    const watcher = await watch();
    await mkdir(join(confDir, "net"));
    await put("net/1.conf", JSON.stringify({ type: "ready" }));
    await reaches(watcher, (state) => state.ready && state.network.plugins.length === 2);
    await put("net/1.conf", "{");
    await reaches(watcher, isNotReady);
  });

  test("a directory that is replaced as a whole", async () => {
    await put("10.conflist", conf("old"));
    const watcher = await watch({ fallbackPollMs: 20 });
    await rm(confDir, { recursive: true });
    await reaches(watcher, isNotReady);
    await mkdir(confDir);
    await put("10.conflist", conf("new"));
    await reaches(watcher, isNamed("new"));
    // It is watched again, by events.
    await put("10.conflist", conf("newer"));
    await reaches(watcher, isNamed("newer"));
  });

  test("a directory that is made later", async () => {
    await rm(confDir, { recursive: true });
    const watcher = await watch({ fallbackPollMs: 20 });
    expect(watcher.current().ready).toBe(false);
    await mkdir(confDir);
    await put("10.conflist", conf("new"));
    await reaches(watcher, isNamed("new"));
  });

  test("the target of a link that is switched over", async () => {
    const [one, two] = [join(fakes.root, "one"), join(fakes.root, "two")];
    await writeFile(one, conf("one"));
    await writeFile(two, conf("two"));
    await symlink(one, join(confDir, "10.conflist"));
    const watcher = await watch();
    await symlink(two, join(confDir, "next"));
    await rename(join(confDir, "next"), join(confDir, "10.conflist"));
    await reaches(watcher, isNamed("two"));
  });

  test("by polling, where nothing can be watched", async () => {
    const watcher = await watch({
      fallbackPollMs: 20,
      watchDirectory: () => {
        throw new Error("no space left on device");
      },
    });
    await put("10.conflist", conf("new"));
    await reaches(watcher, isNamed("new"));
  });

  test("by polling, after a watch has failed", async () => {
    let fail = () => {};
    let failed = false;
    const watcher = await watch({
      fallbackPollMs: 20,
      watchDirectory: (_dir, { onError }) => {
        if (failed) throw new Error("no space left on device");
        fail = onError;
        return { close: () => {} };
      },
    });
    failed = true;
    fail();
    await put("10.conflist", conf("new"));
    await reaches(watcher, isNamed("new"));
  });

  test("a file that arrives while another one's plugin is asked for its versions", async () => {
    let onEvent = () => {};
    await put("10.conflist", conf("old"));
    const watcher = await watch({
      watchDirectory: (_dir, callbacks) => {
        onEvent = callbacks.onEvent;
        return { close: () => {} };
      },
    });
    const [asked, go] = [join(fakes.root, "asked"), join(fakes.root, "go")];
    await fakes.install("slow");
    await fakes.script(
      "slow",
      "VERSION",
      `echo >${asked}; while [ ! -e ${go} ]; do sleep 0.01; done; exit 1`,
    );
    await put("10.conflist", conf("slow", { plugins: [{ type: "slow" }] }));
    onEvent();
    await until(async () => (await readdir(fakes.root)).includes("asked"));
    await put("10.conflist", conf("new"));
    onEvent();
    await writeFile(go, "");
    await reaches(watcher, isNamed("new"));
  });

  test("by asking for it", async () => {
    const watcher = await watch({ watchDirectory: () => ({ close: () => {} }) });
    await put("10.conflist", conf("new"));
    await expect(watcher.refresh()).resolves.toMatchObject({ ready: true });
  });
});

describe("STATUS", () => {
  const withStatus = (name: string) =>
    conf(name, { cniVersion: "1.1.0", plugins: [{ type: "ready" }] });

  test("decides over readiness, and is asked again and again", async () => {
    await put("10.conflist", withStatus("net"));
    await fakes.script("ready", "STATUS", failing(50, "agent is down"));
    const watcher = await watch({ statusIntervalMs: 20 });
    expect(watcher.current()).toMatchObject({
      ready: false,
      reason: "network net is not ready: STATUS of plugin ready: agent is down",
      network: { name: "net" },
      error: { cniCode: 50 },
    });
    await fakes.script("ready", "STATUS", "");
    await reaches(watcher, isNamed("net"));
    await fakes.script("ready", "STATUS", failing(51, "agent is down again"));
    await reaches(watcher, (state) => !state.ready && state.reason.endsWith("down again"));
  });

  test("is not asked of a network before 1.1.0", async () => {
    await put("10.conflist", conf("net"));
    await fakes.script("first", "STATUS", failing(50, "never asked"));
    expect((await watch()).current().ready).toBe(true);
  });

  test("that hangs does not keep a change from being seen", async () => {
    await put("10.conflist", conf("net"));
    await fakes.script("ready", "STATUS", `echo >${fakes.root}/asked; sleep 1000`);
    const watcher = await watch();
    await put("10.conflist", withStatus("hanging"));
    const state = await reaches(watcher, isNotReady);
    expect(!state.ready && state.reason).toMatch(/have not answered STATUS yet/);
    await put("10.conflist", conf("other"));
    await reaches(watcher, isNamed("other"));
  });
});

test("listeners hear of changes only, until they stop", async () => {
  await put("10.conflist", conf("net"));
  const watcher = await watch();
  const heard: NetworkState[] = [];
  const stop = watcher.onChange((state) => heard.push(state));
  await watcher.refresh();
  expect(heard).toEqual([]);
  await put("10.conflist", conf("other"));
  await watcher.refresh();
  expect(heard).toMatchObject([{ ready: true, network: { name: "other" } }]);
  stop();
  await put("10.conflist", conf("third"));
  await watcher.refresh();
  expect(heard).toHaveLength(1);
});

test("a closed watcher says nothing any more", async () => {
  const watcher = await watch();
  const heard: NetworkState[] = [];
  watcher.onChange((state) => heard.push(state));
  watcher.close();
  await put("10.conflist", conf("net"));
  await watcher.refresh();
  expect(heard).toEqual([]);
});

test("a file in place of the directory holds no networks", async () => {
  const file = join(fakes.root, "file");
  await writeFile(file, "");
  expect((await watch({ confDir: file })).current().ready).toBe(false);
});
