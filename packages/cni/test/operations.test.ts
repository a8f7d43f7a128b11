import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { until } from "@dockershim/testing";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { type Cni, type CniOptions, createCni } from "../src/cni.js";
import { parseNetworkConfig } from "../src/network-config.js";
import { createFakePlugins, type FakePlugins, failing, fakeResult } from "./fake-plugins.js";

let fakes: FakePlugins;
let cni: Cni;

beforeEach(async () => {
  fakes = await createFakePlugins();
  await Promise.all(["first", "second"].map((type) => fakes.install(type)));
  cni = create();
});

afterEach(async () => {
  cni.close();
  await fakes.remove();
});

const create = (options: Partial<CniOptions> = {}) =>
  createCni({ binDirs: [fakes.binDir], cacheDir: fakes.cacheDir, ...options });

const network = (members: object = {}) =>
  parseNetworkConfig(
    JSON.stringify({
      cniVersion: "1.1.0",
      name: "net",
      plugins: [{ type: "first" }, { type: "second" }],
      ...members,
    }),
  );

const attachment = (containerId: string) => ({ containerId, netns: fakes.netns, ifName: "eth0" });

/** The calls after those that made the attachments. */
const callsAfter = async (count: number) =>
  (await fakes.calls()).filter(({ command }) => command !== "VERSION").slice(count);

describe("CHECK", () => {
  test("gives each plugin what ADD had, and its final result", async () => {
    await cni.add(network(), { ...attachment("abc"), args: [["K", "v"]] });
    await expect(cni.check({ containerId: "abc", ifName: "eth0" })).resolves.toBe("checked");
    const calls = await callsAfter(2);
    expect(calls.map(({ command, plugin }) => `${command} ${plugin}`)).toEqual([
      "CHECK first",
      "CHECK second",
    ]);
    for (const call of calls) {
      expect(call).toMatchObject({ netns: fakes.netns, args: "K=v" });
      expect(call.request.prevResult).toEqual({ cniVersion: "1.1.0", ...fakeResult });
    }
  });

  test("stops at the plugin that is not satisfied", async () => {
    await cni.add(network(), attachment("abc"));
    await fakes.script("first", "CHECK", failing(100, "route is missing"));
    await expect(cni.check({ containerId: "abc", ifName: "eth0" })).rejects.toMatchObject({
      code: "plugin_failed",
      command: "CHECK",
      plugin: "first",
      cniCode: 100,
    });
    expect(await callsAfter(2)).toHaveLength(1);
  });

  test.each([
    [{ disableCheck: true }, "disabled"],
    [{ cniVersion: "0.3.1" }, "unsupported"],
  ])("is not run for a network with %j", async (members, outcome) => {
    await cni.add(network(members), attachment("abc"));
    await expect(cni.check({ containerId: "abc", ifName: "eth0" })).resolves.toBe(outcome);
    expect(await callsAfter(2)).toEqual([]);
  });

  test("is refused for what was never added, or not completely", async () => {
    const id = { containerId: "abc", ifName: "eth0" };
    await expect(cni.check(id)).rejects.toMatchObject({ code: "not_attached" });
    await fakes.script("second", "ADD", "exit 1");
    await fakes.script("second", "DEL", "exit 1");
    await expect(cni.add(network(), attachment("abc"))).rejects.toThrow();
    await expect(cni.check(id)).rejects.toMatchObject({ code: "not_attached" });
  });
});

describe("GC", () => {
  test("deletes what is not valid and tells the plugins what is", async () => {
    for (const id of ["keep", "stale1", "stale2"]) await cni.add(network(), attachment(id));
    const report = await cni.gc([{ containerId: "keep", ifName: "eth0" }], {
      networks: [network()],
    });
    expect(report.deleted.map(({ containerId }) => containerId).toSorted()).toEqual([
      "stale1",
      "stale2",
    ]);
    expect(report.collected).toEqual(["net"]);
    const calls = await callsAfter(6);
    expect(calls.slice(0, 4).every(({ command }) => command === "DEL")).toBe(true);
    expect(calls.slice(4).map(({ command, plugin }) => `${command} ${plugin}`)).toEqual([
      "GC first",
      "GC second",
    ]);
    expect(calls.at(-1)?.request).toEqual({
      type: "second",
      name: "net",
      cniVersion: "1.1.0",
      "cni.dev/valid-attachments": [{ containerID: "keep", ifname: "eth0" }],
      "cni.dev/attachments": [{ containerID: "keep", ifname: "eth0" }],
    });
    expect(await cni.cachedAttachments()).toMatchObject([{ containerId: "keep" }]);
  });

  test("deletes by the configuration of the attachment, whichever network is today's", async () => {
    await cni.add(network({ name: "yesterday", plugins: [{ type: "second" }] }), attachment("abc"));
    await cni.gc([], { networks: [] });
    expect(await fakes.sequence()).toEqual(["ADD second", "DEL second"]);
  });

  test("deletes what an interrupted ADD left", async () => {
    await fakes.script("second", "ADD", "exit 1");
    await fakes.script("second", "DEL", "exit 1");
    await expect(cni.add(network(), attachment("abc"))).rejects.toThrow();
    await fakes.script("second", "DEL", "");
    await expect(cni.gc([])).resolves.toMatchObject({ deleted: [{ containerId: "abc" }] });
    expect(await cni.cachedAttachments()).toEqual([]);
  });

  test("tries everything, then reports all failures", async () => {
    await cni.add(network({ plugins: [{ type: "first" }] }), attachment("abc"));
    await cni.add(network({ plugins: [{ type: "second" }] }), attachment("def"));
    await fakes.script("first", "DEL", failing(5, "busy"));
    await fakes.script("first", "GC", failing(11, "later"));
    await expect(cni.gc([], { networks: [network()] })).rejects.toMatchObject({
      code: "gc_failed",
      errors: [
        { command: "DEL", plugin: "first", cniCode: 5 },
        { command: "GC", plugin: "first", cniCode: 11 },
      ],
    });
    expect(await cni.cachedAttachments()).toMatchObject([{ containerId: "abc" }]);
    expect((await fakes.sequence()).at(-1)).toBe("GC second");
  });

  test.each([{ disableGC: true }, { cniVersion: "1.0.0" }])(
    "is not told to the plugins of a network with %j",
    async (members) => {
      await expect(cni.gc([], { networks: [network(members)] })).resolves.toEqual({
        deleted: [],
        collected: [],
      });
      expect(await fakes.calls()).toEqual([]);
    },
  );

  test("leaves other runtimes' attachments alone", async () => {
    const other = join(fakes.root, "other");
    const theirs = create({ cacheDir: other });
    await theirs.add(network(), attachment("abc"));
    theirs.close();
    cni = create({ extraCacheDirs: [other] });
    await expect(cni.gc([])).resolves.toMatchObject({ deleted: [] });
    expect(await cni.cachedAttachments()).toHaveLength(1);
  });

  test("waits for an ADD under way, and the next ADD waits for it", async () => {
    await fakes.script(
      "first",
      "ADD",
      `echo >${fakes.root}/reached; while [ ! -e ${fakes.root}/go ]; do sleep 0.01; done; echo '{}'`,
    );
    const adding = cni.add(network(), attachment("abc"));
    await until(async () => (await readdir(fakes.root)).includes("reached"));
    const collecting = cni.gc([{ containerId: "abc", ifName: "eth0" }], { networks: [network()] });
    const addingLater = cni.add(network(), attachment("def"));
    await writeFile(join(fakes.root, "go"), "");
    await Promise.all([adding, collecting, addingLater]);
    expect(await fakes.sequence()).toEqual([
      "ADD first",
      "ADD second",
      "GC first",
      "GC second",
      "ADD first",
      "ADD second",
    ]);
  });
});

describe("an orphaned ADD", () => {
  test("has ended before its attachment is deleted", async () => {
    // What a runtime leaves that is killed while its plugin runs.
    await fakes.script("second", "ADD", "exit 1");
    await fakes.script("second", "DEL", "exit 1");
    await expect(cni.add(network(), attachment("abc"))).rejects.toThrow();
    await fakes.script("second", "DEL", "");
    const env = { ...process.env, CNI_COMMAND: "ADD", CNI_CONTAINERID: "abc" };
    const orphan = spawn("sleep", ["1000"], { env, stdio: "ignore" });
    await once(orphan, "spawn");
    const waiting = Promise.withResolvers<unknown>();
    cni = create({
      log: (_level, message, fields) => {
        if (message.startsWith("waiting")) waiting.resolve(fields?.pid);
      },
    });
    const before = (await fakes.sequence()).length;
    const deleting = cni.del({ containerId: "abc", ifName: "eth0" });
    expect(await waiting.promise).toBe(orphan.pid);
    expect(await fakes.sequence()).toHaveLength(before);
    orphan.kill("SIGKILL");
    await deleting;
    expect((await fakes.sequence()).slice(before)).toEqual(["DEL second", "DEL first"]);
  });

  test("does not hold up a caller who gives up", async () => {
    await fakes.script("second", "ADD", "exit 1");
    await fakes.script("second", "DEL", "exit 1");
    await expect(cni.add(network(), attachment("abc"))).rejects.toThrow();
    const env = { ...process.env, CNI_COMMAND: "ADD", CNI_CONTAINERID: "abc" };
    const orphan = spawn("sleep", ["1000"], { env, stdio: "ignore" });
    await once(orphan, "spawn");
    const abort = new AbortController();
    cni = create({ log: (_level, message) => message.startsWith("waiting") && abort.abort() });
    const id = { containerId: "abc", ifName: "eth0" };
    await expect(cni.del(id, { signal: abort.signal })).rejects.toMatchObject({ code: "aborted" });
    orphan.kill("SIGKILL");
  });
});

describe("STATUS", () => {
  test("asks every plugin, without an attachment", async () => {
    await cni.status(network());
    const calls = await callsAfter(0);
    expect(calls.map(({ command, plugin }) => `${command} ${plugin}`)).toEqual([
      "STATUS first",
      "STATUS second",
    ]);
    expect(calls[0]).toMatchObject({ containerId: "", netns: "", ifName: "", path: fakes.binDir });
    expect(calls[0]?.request).toEqual({ type: "first", name: "net", cniVersion: "1.1.0" });
  });

  test("reports the plugin that is not ready", async () => {
    await fakes.script("second", "STATUS", failing(50, "no addresses left"));
    await expect(cni.status(network())).rejects.toMatchObject({
      command: "STATUS",
      plugin: "second",
      cniCode: 50,
      msg: "no addresses left",
    });
  });

  test("is not asked before 1.1.0", async () => {
    await cni.status(network({ cniVersion: "1.0.0" }));
    expect(await fakes.calls()).toEqual([]);
  });
});

describe("VERSION", () => {
  test("is asked once for each executable", async () => {
    await fakes.install("first", { versions: ["0.4.0", "1.0.0"] });
    await expect(cni.version("first")).resolves.toEqual(["0.4.0", "1.0.0"]);
    await cni.version("first");
    expect(await fakes.calls()).toHaveLength(1);
    await fakes.install("first", { versions: ["1.1.0"] });
    // The same size may come with the same time; a new file has another inode or a new time.
    await writeFile(
      join(fakes.binDir, "first"),
      `${await readFile(join(fakes.binDir, "first"), "utf8")}\n`,
    );
    await expect(cni.version("first")).resolves.toEqual(["1.1.0"]);
  });

  test.each([
    ["does not know the command", failing(4, "unknown CNI_COMMAND: VERSION"), ["0.1.0"]],
    ["answers as in 0.2.0", `echo '{"cniVersion":"0.2.0"}'`, ["0.1.0", "0.2.0"]],
  ])("of a plugin that %s", async (_, script, versions) => {
    await fakes.script("first", "VERSION", script);
    await expect(cni.version("first")).resolves.toEqual(versions);
  });

  test.each([
    ["nothing", "", "invalid_result"],
    ["an empty list", `echo '{"cniVersion":"1.0.0","supportedVersions":[]}'`, "invalid_result"],
    [
      "a list of numbers",
      `echo '{"cniVersion":"1.0.0","supportedVersions":[1]}'`,
      "invalid_result",
    ],
    ["a failure", "exit 1", "plugin_failed"],
  ])("that is answered with %s is an error, and asked again", async (_, script, code) => {
    await fakes.script("first", "VERSION", script);
    await expect(cni.version("first")).rejects.toMatchObject({ code, plugin: "first" });
    await fakes.script("first", "VERSION", `echo '{"cniVersion":"0.2.0"}'`);
    await expect(cni.version("first")).resolves.toEqual(["0.1.0", "0.2.0"]);
  });

  test("of a plugin that is not installed is an error", async () => {
    await expect(cni.version("none")).rejects.toMatchObject({
      code: "plugin_not_found",
      plugin: "none",
    });
  });
});

describe("validating a network", () => {
  const offering = (...cniVersions: string[]) => network({ cniVersion: undefined, cniVersions });

  test("settles on the highest version that all plugins know", async () => {
    await fakes.install("second", { versions: ["0.3.1", "0.4.0", "1.0.0"] });
    const settled = await cni.validate(offering("0.4.0", "1.0.0", "1.1.0"));
    expect(settled.cniVersion).toBe("1.0.0");
    await cni.add(settled, attachment("abc"));
    const [cached] = await cni.cachedAttachments();
    expect(parseNetworkConfig(cached?.configText ?? "").cniVersion).toBe("1.0.0");
  });

  test("names the plugin that knows none of the versions", async () => {
    await fakes.install("second", { versions: ["0.3.1"] });
    await expect(cni.validate(offering("1.0.0", "1.1.0"))).rejects.toMatchObject({
      code: "unsupported_version",
      plugin: "second",
      message: "plugin second does not support version 1.0.0, 1.1.0",
    });
  });

  test("fails when the plugins have no version in common", async () => {
    await fakes.install("first", { versions: ["1.0.0"] });
    await fakes.install("second", { versions: ["1.1.0"] });
    await expect(cni.validate(offering("1.0.0", "1.1.0"))).rejects.toMatchObject({
      code: "unsupported_version",
      message: expect.stringContaining("no version in common"),
    });
  });

  test("fails when a plugin is missing", async () => {
    await expect(cni.validate(network({ plugins: [{ type: "none" }] }))).rejects.toMatchObject({
      code: "plugin_not_found",
    });
  });
});
