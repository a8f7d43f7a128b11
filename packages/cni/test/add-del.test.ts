import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
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
  await Promise.all(["first", "second", "third"].map((type) => fakes.install(type)));
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
      cniVersion: "1.0.0",
      name: "net",
      plugins: [{ type: "first", bridge: "br0" }, { type: "second" }, { type: "third" }],
      ...members,
    }),
  );

const attachment = (members: object = {}) => ({
  containerId: "abc",
  netns: fakes.netns,
  ifName: "eth0",
  ...members,
});

const cacheFiles = () => readdir(join(fakes.cacheDir, "results")).catch(() => []);

describe("ADD", () => {
  test("gives each plugin the result so far and returns the last", async () => {
    const changed = { ...fakeResult, ips: [{ address: "10.9.9.9/24" }] };
    await fakes.script("second", "ADD", `echo '${JSON.stringify(changed)}'`);
    await fakes.script("third", "ADD", `echo '${JSON.stringify(changed)}'`);
    const result = await cni.add(network(), attachment());
    const calls = await fakes.calls();
    expect(await fakes.sequence()).toEqual(["ADD first", "ADD second", "ADD third"]);
    expect(calls.map(({ request }) => request.prevResult)).toEqual([
      undefined,
      { cniVersion: "1.0.0", ...fakeResult },
      { cniVersion: "1.0.0", ...changed },
    ]);
    expect(result).toMatchObject({ cniVersion: "1.1.0", ips: [{ address: "10.9.9.9/24" }] });
  });

  test("sets the environment and the request as the specification has it", async () => {
    const args = [
      ["IgnoreUnknown", "1"],
      ["K8S_POD_NAME", "web"],
    ] as const;
    await cni.add(network(), attachment({ args }));
    const [call] = await fakes.calls();
    expect(call).toMatchObject({
      containerId: "abc",
      netns: fakes.netns,
      ifName: "eth0",
      args: "IgnoreUnknown=1;K8S_POD_NAME=web",
      path: fakes.binDir,
    });
    expect(call?.request).toEqual({
      type: "first",
      bridge: "br0",
      name: "net",
      cniVersion: "1.0.0",
    });
  });

  test("passes a capability only to plugins that declare it, without the declaration", async () => {
    const plugins = [
      { type: "first", capabilities: { portMappings: true, dns: false } },
      {
        type: "second",
        capabilities: { dns: true, mac: true, "io.kubernetes.cri.pod-annotations": true },
      },
      { type: "third" },
    ];
    const capabilityArgs = {
      portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }],
      dns: { servers: ["10.96.0.10"] },
      "io.kubernetes.cri.pod-annotations": { a: "b" },
      mac: undefined,
    };
    await cni.add(network({ plugins }), attachment({ capabilityArgs }));
    const requests = (await fakes.calls()).map(({ request }) => request);
    expect(requests.map(({ runtimeConfig }) => runtimeConfig)).toEqual([
      { portMappings: capabilityArgs.portMappings },
      { dns: capabilityArgs.dns, "io.kubernetes.cri.pod-annotations": { a: "b" } },
      undefined,
    ]);
    expect(requests.some((request) => "capabilities" in request)).toBe(false);
  });

  test("runs nothing when a plugin further on is not installed", async () => {
    await rm(join(fakes.binDir, "third"));
    await expect(cni.add(network(), attachment())).rejects.toMatchObject({
      code: "plugin_not_found",
      plugin: "third",
    });
    expect(await fakes.calls()).toEqual([]);
    expect(await cacheFiles()).toEqual([]);
  });

  test("runs nothing for a namespace that is gone, or is our own", async () => {
    for (const netns of ["", join(fakes.root, "none"), "/proc/self/ns/net"]) {
      await expect(cni.add(network(), attachment({ netns }))).rejects.toMatchObject({
        code: "invalid_argument",
      });
    }
    expect(await fakes.calls()).toEqual([]);
  });

  test("notes the attachment before a namespace that is promised, and runs plugins after", async () => {
    const { promise: netns, resolve } = Promise.withResolvers<string>();
    const adding = cni.add(network(), attachment({ netns }));
    await until(async () => (await cacheFiles()).length === 1);
    expect(await cni.cachedAttachments()).toMatchObject([{ containerId: "abc", complete: false }]);
    expect(await fakes.calls()).toEqual([]);
    resolve(fakes.netns);
    await adding;
    expect((await fakes.calls()).map((call) => call.netns)).toEqual(Array(3).fill(fakes.netns));
    expect(await cni.cachedAttachments()).toMatchObject([{ netns: fakes.netns, complete: true }]);
  });

  test("takes its note back when a promised namespace does not come, or is of no use", async () => {
    const failure = new Error("the process could not be started");
    const capabilityArgs = { portMappings: [{ hostPort: 80, containerPort: 80, protocol: "tcp" }] };
    const mapping = network({ plugins: [{ type: "first", capabilities: { portMappings: true } }] });
    for (const netns of [Promise.reject(failure), Promise.resolve("/proc/self/ns/net")]) {
      await expect(cni.add(mapping, attachment({ netns, capabilityArgs }))).rejects.toThrow(
        /could not be started|own/,
      );
      expect(await cacheFiles()).toEqual([]);
    }
    expect(await fakes.calls()).toEqual([]);
    // Its port is free again.
    await cni.add(mapping, attachment({ containerId: "other", capabilityArgs }));
  });

  test("waits for a promised namespace no longer than its caller", async () => {
    const caller = new AbortController();
    const netns = new Promise<string>(() => undefined);
    const adding = cni.add(network(), attachment({ netns }), { signal: caller.signal });
    await until(async () => (await cacheFiles()).length === 1);
    caller.abort();
    await expect(adding).rejects.toMatchObject({ code: "aborted" });
    expect(await cacheFiles()).toEqual([]);
    expect(await fakes.calls()).toEqual([]);
  });

  test("refuses an attachment that exists", async () => {
    await cni.add(network(), attachment());
    await expect(cni.add(network(), attachment())).rejects.toMatchObject({
      code: "already_attached",
    });
    await cni.add(network(), attachment({ ifName: "eth1" }));
    expect(await fakes.sequence()).toHaveLength(6);
  });

  test("refuses a port of the host that another attachment has", async () => {
    const chain = network({ plugins: [{ type: "first", capabilities: { portMappings: true } }] });
    const asking = (containerId: string, ...hostPorts: number[]) =>
      attachment({
        containerId,
        capabilityArgs: {
          portMappings: hostPorts.map((hostPort) => ({
            hostPort,
            containerPort: 80,
            protocol: "tcp",
          })),
        },
      });
    const taken = (message: string) => ({ code: "host_port_taken", message });

    const [one, two] = await Promise.allSettled([
      cni.add(chain, asking("one", 8080)),
      cni.add(chain, asking("two", 8080)),
    ]);
    expect([one.status, two.status].toSorted()).toEqual(["fulfilled", "rejected"]);
    const [winner, loser] = one.status === "fulfilled" ? ["one", "two"] : ["two", "one"];
    await expect(cni.add(chain, asking("three", 9090, 9090))).rejects.toMatchObject(
      taken("host port 9090/tcp is asked for twice"),
    );
    // A runtime that was started anew knows it from the cache.
    const restarted = create();
    const refusal = taken(`host port 8080/tcp is taken by container ${winner}`);
    for (const runtime of [cni, restarted]) {
      await expect(runtime.add(chain, asking(loser, 8080))).rejects.toMatchObject(refusal);
    }
    restarted.close();
    expect(await cacheFiles()).toEqual([`net-${winner}-eth0`]);

    await cni.del({ containerId: winner, ifName: "eth0" });
    await cni.add(chain, asking(loser, 8080));
    // Networks that map no ports are not concerned.
    await cni.add(network(), asking("four", 8080));
  });

  test("frees the ports of the host again when it fails", async () => {
    const plugins = [{ type: "first", capabilities: { portMappings: true } }];
    const capabilityArgs = {
      portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }],
    };
    await fakes.script("first", "ADD", "exit 1");
    await expect(
      cni.add(network({ plugins }), attachment({ capabilityArgs })),
    ).rejects.toMatchObject({ code: "plugin_failed" });
    await fakes.script("first", "ADD", "echo '{}'");
    await cni.add(network({ plugins }), attachment({ containerId: "def", capabilityArgs }));
  });

  test("finds plugins in the first directory that has them", async () => {
    const other = join(fakes.root, "other");
    await mkdir(join(other, "first"), { recursive: true });
    cni = create({ binDirs: [other, fakes.binDir] });
    await cni.add(network(), attachment());
    const [call] = await fakes.calls();
    expect(call?.path).toBe(`${other}:${fakes.binDir}`);
  });
});

describe("a failed ADD", () => {
  test("reports the plugin's error and is undone in reverse with the result so far", async () => {
    await fakes.script("third", "ADD", failing(7, "bad config", "no such key"));
    await expect(cni.add(network(), attachment())).rejects.toMatchObject({
      code: "plugin_failed",
      plugin: "third",
      command: "ADD",
      cniCode: 7,
      msg: "bad config",
      details: "no such key",
      exitCode: 1,
      message: "ADD of plugin third: bad config; no such key",
      cleanupError: undefined,
    });
    expect(await fakes.sequence()).toEqual([
      "ADD first",
      "ADD second",
      "ADD third",
      "DEL third",
      "DEL second",
      "DEL first",
    ]);
    const deletions = (await fakes.calls()).filter(({ command }) => command === "DEL");
    expect(deletions.map(({ request }) => request.prevResult)).toEqual(
      Array.from({ length: 3 }, () => ({ cniVersion: "1.0.0", ...fakeResult })),
    );
    expect(await cacheFiles()).toEqual([]);
  });

  test("that cannot be undone says so, and stays in the cache for a later DEL", async () => {
    await fakes.script("second", "ADD", failing(11, "try again"));
    await fakes.script("first", "DEL", failing(5, "busy"));
    await expect(cni.add(network(), attachment())).rejects.toMatchObject({
      cniCode: 11,
      cleanupError: { command: "DEL", plugin: "first", cniCode: 5 },
      message: expect.stringContaining("busy"),
    });
    expect(await cni.cachedAttachments()).toMatchObject([{ containerId: "abc", complete: false }]);
    await fakes.script("first", "DEL", "");
    await expect(cni.del({ containerId: "abc", ifName: "eth0" })).resolves.toBe("cache");
    expect(await cacheFiles()).toEqual([]);
  });

  test.each([
    ["text on standard error", "echo 'it broke' >&2; exit 2", { msg: "it broke", exitCode: 2 }],
    ["text on standard output", "echo 'no JSON'; exit 2", { msg: "no JSON", exitCode: 2 }],
    ["nothing", "exit 4", { msg: "exit status 4", exitCode: 4 }],
    ["a signal", "kill -KILL $$", { msg: "killed by SIGKILL", exitCode: undefined }],
    ["an error without a code", "echo '{}'; exit 1", { msg: "exit status 1", cniCode: undefined }],
  ])("that the plugin explains with %s is told", async (_, script, expected) => {
    await fakes.script("first", "ADD", script);
    await expect(cni.add(network(), attachment())).rejects.toMatchObject({
      code: "plugin_failed",
      plugin: "first",
      ...expected,
    });
  });

  test("has the plugin's standard error beside its message", async () => {
    await fakes.script("first", "ADD", `echo trace >&2; ${failing(100, "own code")}`);
    await expect(cni.add(network(), attachment())).rejects.toMatchObject({
      cniCode: 100,
      msg: "own code",
      stderr: "trace\n",
    });
  });

  test.each([
    ["nothing", ""],
    ["no JSON", "echo yes"],
    ["no result", "echo '[1]'"],
    ["an unknown version", `echo '{"cniVersion":"7.0.0"}'`],
  ])("because the plugin printed %s is undone", async (_, script) => {
    await fakes.script("second", "ADD", script);
    await expect(cni.add(network(), attachment())).rejects.toMatchObject({
      code: "invalid_result",
      plugin: "second",
      command: "ADD",
    });
    expect((await fakes.sequence()).slice(2)).toEqual(["DEL third", "DEL second", "DEL first"]);
  });

  test("because a plugin cannot be executed is undone", async () => {
    await writeFile(join(fakes.binDir, "second"), "no program\n");
    await expect(cni.add(network(), attachment())).rejects.toMatchObject({
      code: "spawn_failed",
      plugin: "second",
      cleanupError: { code: "spawn_failed" },
    });
  });

  test("because the time ran out is undone, with a time limit of its own", async () => {
    await fakes.script("first", "ADD", "sleep 1000");
    await expect(cni.add(network(), attachment(), { timeoutMs: 500 })).rejects.toMatchObject({
      code: "timeout",
      plugin: "first",
      command: "ADD",
      cleanupError: undefined,
    });
    expect(await fakes.sequence()).toEqual(["ADD first", "DEL third", "DEL second", "DEL first"]);
    expect(await cacheFiles()).toEqual([]);
  });

  test("closing the runtime kills the plugins that run, also the DEL after a failed ADD", async () => {
    await fakes.script("first", "ADD", failing(11, "no"));
    await fakes.script(
      "first",
      "DEL",
      `echo $$ >${fakes.root}/pid.new; mv ${fakes.root}/pid.new ${fakes.root}/pid; sleep 1000`,
    );
    const adding = cni.add(network(), attachment());
    adding.catch(() => undefined);
    await appears("pid");
    cni.close();
    await expect(adding).rejects.toMatchObject({ code: "plugin_failed" });
    const pid = (await readFile(join(fakes.root, "pid"), "utf8")).trim();
    await until(() => !existsSync(`/proc/${pid}`));
    await expect(cni.del(attachment())).rejects.toMatchObject({ code: "aborted" });
  });

  test("because the caller gave up is undone", async () => {
    const abort = new AbortController();
    await fakes.script("second", "ADD", `echo >${fakes.root}/reached; sleep 1000`);
    const adding = cni.add(network(), attachment(), { signal: abort.signal });
    await appears("reached");
    abort.abort(new Error("shutting down"));
    await expect(adding).rejects.toMatchObject({
      code: "aborted",
      plugin: "second",
      cause: { message: "shutting down" },
    });
    expect((await fakes.sequence()).slice(2)).toEqual(["DEL third", "DEL second", "DEL first"]);
  });

  test("whose DEL hangs is given up and stays in the cache", async () => {
    cni = create({ cleanupTimeoutMs: 200 });
    await fakes.script("second", "ADD", "exit 1");
    await fakes.script("third", "DEL", "sleep 1000");
    await expect(cni.add(network(), attachment())).rejects.toMatchObject({
      code: "plugin_failed",
      cleanupError: { code: "timeout", plugin: "third", command: "DEL" },
    });
    expect(await cni.cachedAttachments()).toMatchObject([{ complete: false }]);
  });

  test("is undone by the next ADD of the same attachment, if it was not before", async () => {
    await fakes.script("second", "ADD", "exit 1");
    await fakes.script("second", "DEL", "exit 1");
    await expect(cni.add(network(), attachment())).rejects.toThrow();
    await fakes.script("second", "ADD", `echo '${JSON.stringify(fakeResult)}'`);
    await fakes.script("second", "DEL", "");
    const before = (await fakes.sequence()).length;
    await cni.add(network(), attachment());
    expect((await fakes.sequence()).slice(before)).toEqual([
      "DEL third",
      "DEL second",
      "DEL first",
      "ADD first",
      "ADD second",
      "ADD third",
    ]);
  });
});

describe("DEL", () => {
  const target = { containerId: "abc", ifName: "eth0" };

  test("runs in reverse, each plugin with the final result", async () => {
    await cni.add(network(), attachment());
    await expect(cni.del({ ...target, netns: fakes.netns })).resolves.toBe("cache");
    const calls = (await fakes.calls()).slice(3);
    expect(calls.map(({ command, plugin }) => `${command} ${plugin}`)).toEqual([
      "DEL third",
      "DEL second",
      "DEL first",
    ]);
    for (const { request, netns } of calls) {
      expect(request.prevResult).toEqual({ cniVersion: "1.0.0", ...fakeResult });
      expect(netns).toBe(fakes.netns);
    }
    expect(await cacheFiles()).toEqual([]);
  });

  test("goes by the configuration and arguments of ADD, not by today's", async () => {
    const made = network({ plugins: [{ type: "first", capabilities: { mac: true }, old: true }] });
    await cni.add(
      made,
      attachment({ args: [["K", "made"]], capabilityArgs: { mac: "02:00:00:00:00:01" } }),
    );
    await cni.del(
      { ...target, args: [["K", "today"]], capabilityArgs: { mac: "02:00:00:00:00:02" } },
      { network: network({ plugins: [{ type: "second" }] }) },
    );
    const last = (await fakes.calls()).at(-1);
    expect(last).toMatchObject({ command: "DEL", plugin: "first", args: "K=made" });
    expect(last?.request).toMatchObject({
      old: true,
      runtimeConfig: { mac: "02:00:00:00:00:01" },
    });
  });

  test("goes by the network given when the cache has nothing", async () => {
    await expect(cni.del({ ...target, args: [["K", "v"]] }, { network: network() })).resolves.toBe(
      "network",
    );
    const calls = await fakes.calls();
    expect(calls.map(({ plugin }) => plugin)).toEqual(["third", "second", "first"]);
    expect(calls[0]).toMatchObject({ args: "K=v", netns: "" });
    expect(calls[0]?.request.prevResult).toBeUndefined();
  });

  test("does nothing when neither the cache nor the caller knows a configuration", async () => {
    await expect(cni.del(target)).resolves.toBe("none");
    expect(await fakes.calls()).toEqual([]);
  });

  test("may be repeated", async () => {
    await cni.add(network(), attachment());
    await cni.del(target);
    await expect(cni.del(target, { network: network() })).resolves.toBe("network");
  });

  test("has no result to give before 0.4.0", async () => {
    await cni.add(network({ cniVersion: "0.3.1" }), attachment());
    await cni.del(target);
    expect((await fakes.calls()).at(-1)?.request).not.toHaveProperty("prevResult");
  });

  test("uses the cached namespace, unless it may be another's by now", async () => {
    await cni.add(network(), attachment());
    await cni.add(
      network(),
      attachment({ containerId: "def", netns: `/proc/self/../..${fakes.netns}` }),
    );
    await cni.del(target);
    await cni.del({ ...target, containerId: "def" });
    const deletions = (await fakes.calls()).filter(({ command }) => command === "DEL");
    expect(new Set(deletions.map(({ containerId, netns }) => `${containerId} ${netns}`))).toEqual(
      new Set([`abc ${fakes.netns}`, "def "]),
    );
  });

  test("never lets plugins work in our own namespace", async () => {
    await cni.del({ ...target, netns: "/proc/self/ns/net" }, { network: network() });
    expect((await fakes.calls()).map(({ netns }) => netns)).toEqual(["", "", ""]);
  });

  test("tells plugins of a namespace that is gone by leaving it empty", async () => {
    await cni.add(network(), attachment());
    await rm(fakes.netns);
    await cni.del(target);
    expect((await fakes.calls()).at(-1)?.netns).toBe("");
  });

  test("stops at a failure, keeps the cache file, and can be repeated", async () => {
    await cni.add(network(), attachment());
    await fakes.script("second", "DEL", failing(11, "later"));
    await expect(cni.del(target)).rejects.toMatchObject({
      code: "plugin_failed",
      command: "DEL",
      plugin: "second",
      cniCode: 11,
    });
    // It was tried twice, since that helps with some plugins.
    expect((await fakes.sequence()).slice(3)).toEqual(["DEL third", "DEL second", "DEL second"]);
    expect(await cacheFiles()).toHaveLength(1);
    await fakes.script("second", "DEL", "");
    await cni.del(target);
    expect(await cacheFiles()).toEqual([]);
  });

  test("goes on when a plugin succeeds at the second try", async () => {
    await cni.add(network(), attachment());
    const once = `${fakes.root}/once`;
    await fakes.script("second", "DEL", `if [ ! -e ${once} ]; then echo >${once}; exit 1; fi`);
    await cni.del(target);
    expect((await fakes.sequence()).slice(3)).toEqual([
      "DEL third",
      "DEL second",
      "DEL second",
      "DEL first",
    ]);
    expect(await cacheFiles()).toEqual([]);
  });

  test.each([
    ["the container is unknown", failing(3, "unknown container"), true],
    ["something was not found", failing(999, "link eth0 not found"), true],
    [
      "a program was not found",
      failing(999, 'exec: "iptables": executable file not found in $PATH'),
      false,
    ],
    [
      "its IPAM plugin was not found",
      failing(999, 'failed to find plugin "x" in path: not found'),
      false,
    ],
    [
      "a file is missing while the namespace is there",
      failing(999, "open /x: no such file or directory"),
      false,
    ],
  ])("goes on after a plugin that says that %s: %#", async (_, script, tolerated) => {
    await cni.add(network(), attachment());
    await fakes.script("third", "DEL", script);
    const deleting = cni.del({ ...target, netns: fakes.netns });
    if (tolerated) await expect(deleting).resolves.toBe("cache");
    else await expect(deleting).rejects.toMatchObject({ code: "plugin_failed" });
    expect(await cacheFiles()).toHaveLength(tolerated ? 0 : 1);
  });

  test("goes on after a plugin that misses a file of a namespace that is gone", async () => {
    await cni.add(network(), attachment());
    await rm(fakes.netns);
    await fakes.script(
      "third",
      "DEL",
      failing(999, "failed to open netns: no such file or directory"),
    );
    await expect(cni.del(target)).resolves.toBe("cache");
  });

  test("falls back to the network given when the cached configuration is unusable", async () => {
    await cni.add(network(), attachment());
    const file = join(fakes.cacheDir, "results", "net-abc-eth0");
    await writeFile(
      file,
      JSON.stringify({
        kind: "cniCacheV1",
        containerId: "abc",
        ifName: "eth0",
        networkName: "net",
        config: Buffer.from("{").toString("base64"),
        result: { cniVersion: "9.9.9" },
      }),
    );
    await expect(cni.del(target)).rejects.toMatchObject({ code: "invalid_config" });
    await expect(cni.del(target, { network: network() })).resolves.toBe("cache");
    expect((await fakes.sequence()).slice(-3)).toEqual(["DEL third", "DEL second", "DEL first"]);
    expect((await fakes.calls()).at(-1)?.request).not.toHaveProperty("prevResult");
    expect(await cacheFiles()).toEqual([]);
  });

  test("of another runtime's attachment leaves its cache alone", async () => {
    const other = join(fakes.root, "other");
    const theirs = create({ cacheDir: other });
    await theirs.add(network(), attachment());
    theirs.close();
    cni = create({ extraCacheDirs: [other] });
    await expect(cni.del(target)).resolves.toBe("cache");
    expect((await fakes.sequence()).slice(3)).toEqual(["DEL third", "DEL second", "DEL first"]);
    expect(await readdir(join(other, "results"))).toHaveLength(1);
  });

  test("waits for an ADD of the same container", async () => {
    await fakes.script(
      "first",
      "ADD",
      `echo >${fakes.root}/reached; while [ ! -e ${fakes.root}/go ]; do sleep 0.01; done; echo '{}'`,
    );
    const adding = cni.add(network(), attachment());
    await appears("reached");
    const deleting = cni.del(target);
    await writeFile(join(fakes.root, "go"), "");
    await expect(adding).resolves.toBeDefined();
    await expect(deleting).resolves.toBe("cache");
    expect(await fakes.sequence()).toEqual([
      "ADD first",
      "ADD second",
      "ADD third",
      "DEL third",
      "DEL second",
      "DEL first",
    ]);
  });
});

async function appears(name: string): Promise<void> {
  await until(async () => (await readdir(fakes.root)).includes(name));
}
