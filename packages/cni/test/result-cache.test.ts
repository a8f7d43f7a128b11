import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { parseNetworkConfig } from "../src/network-config.js";
import { attachmentIps, toCniResult } from "../src/result.js";
import { createResultCache } from "../src/result-cache.js";

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "cni-cache-"));
});

afterEach(() => rm(dir, { recursive: true, force: true }));

const log = () => {};
const containerId = "4be30a4d3d5c1c0a6f1a4f0a2f1fd1f4ee7c1bd9e5a0ac0a6d0e86b6a6a7d4b9";

const fixture = (version: string) =>
  readFile(join(import.meta.dirname, "fixtures", `libcni-${version}.json`), "utf8");

async function place(text: string, network: string, into = dir): Promise<string> {
  await mkdir(join(into, "results"), { recursive: true });
  const file = join(into, "results", `${network}-${containerId}-eth0`);
  await writeFile(file, text);
  return file;
}

const open = (extraCacheDirs: string[] = []) =>
  createResultCache({ cacheDir: dir, extraCacheDirs, log });

describe("a file that libcni wrote", () => {
  test.each([
    ["1.0.0", "podnet", ["10.88.0.2", "fd00:88::2"], ["bridge", "portmap"]],
    ["0.4.0", "podnet04", ["10.89.0.2"], ["ptp"]],
    ["0.2.0", "podnet02", ["10.90.0.2"], ["ptp"]],
  ])("for version %s is read", async (version, network, ips, plugins) => {
    const file = await place(await fixture(version), network);
    const [cached, ...others] = await open().list({ containerId, ifName: "eth0" });
    expect(others).toEqual([]);
    expect(cached).toMatchObject({
      network,
      containerId,
      ifName: "eth0",
      netns: "/proc/4711/ns/net",
      complete: true,
      readOnly: false,
      file,
      args: [
        ["IgnoreUnknown", "1"],
        ["K8S_POD_NAMESPACE", "default"],
        ["K8S_POD_NAME", "web"],
        ["K8S_POD_INFRA_CONTAINER_ID", containerId],
      ],
      capabilityArgs: {
        dns: { servers: ["10.96.0.10"] },
        portMappings: [{ containerPort: 80, hostIP: "", hostPort: 8080, protocol: "tcp" }],
      },
    });
    expect(attachmentIps(toCniResult(cached?.result ?? {}), "eth0")).toEqual(ips);
    const config = parseNetworkConfig(cached?.configText ?? "");
    expect(config.cniVersion).toBe(version);
    expect(config.plugins.map(({ type }) => type)).toEqual(plugins);
  });

  test("is written the same by us", async () => {
    const file = await place(await fixture("1.0.0"), "podnet");
    const cache = open();
    const [cached] = await cache.list();
    if (cached === undefined) throw new Error("nothing was read");
    await rm(file);
    await cache.write(cached);
    expect(JSON.parse(await readFile(file, "utf8"))).toEqual(JSON.parse(await fixture("1.0.0")));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(join(dir, "results"))).mode & 0o777).toBe(0o755);
  });
});

const entry = {
  containerId: "abc",
  ifName: "eth0",
  netns: "/run/netns/x",
  network: "net",
  configText: "{}",
  result: undefined,
  complete: false,
};

test("an ADD under way is told from a finished one", async () => {
  const cache = open();
  await cache.write(entry);
  expect(await cache.list()).toMatchObject([{ complete: false, result: undefined }]);
  await cache.write({ ...entry, result: { cniVersion: "1.0.0" } });
  expect(await cache.list()).toMatchObject([{ complete: false, result: { cniVersion: "1.0.0" } }]);
  await cache.write({ ...entry, result: { cniVersion: "1.0.0" }, complete: true });
  expect(await cache.list()).toMatchObject([{ complete: true }]);
  expect(await readdir(join(dir, "results"))).toEqual(["net-abc-eth0"]);
});

test("writing leaves nothing beside the file", async () => {
  await open().write(entry);
  expect(await readdir(dir)).toEqual(["results"]);
  expect((await stat(join(dir, "results"))).mode & 0o777).toBe(0o700);
});

test("drafts of processes that are gone are removed, those of others are not", async () => {
  const child = spawn("true");
  await once(child, "close");
  const names = [`.${child.pid}-1.tmp`, `.${process.pid}-7.tmp`, ".other.tmp"];
  for (const name of names) await writeFile(join(dir, name), "");
  await open().write(entry);
  expect((await readdir(dir)).toSorted()).toEqual([...names.slice(1), "results"].toSorted());
});

test("the directory may vanish between two writes", async () => {
  const cache = open();
  await cache.write(entry);
  await rm(dir, { recursive: true });
  await expect(cache.write(entry)).rejects.toMatchObject({ code: "cache_failed" });
  await cache.write(entry);
  expect(await cache.list()).toHaveLength(1);
});

test("attachments are filtered by what the files say, not by their names alone", async () => {
  const cache = open();
  // The names `a-b-c-eth0` of both of them could be taken apart either way.
  await cache.write({ ...entry, network: "a", containerId: "b-c" });
  await cache.write({ ...entry, network: "a-b", containerId: "c", ifName: "eth1" });
  expect(await cache.list({ containerId: "c" })).toMatchObject([{ network: "a-b" }]);
  expect(await cache.list({ containerId: "b-c" })).toMatchObject([{ network: "a" }]);
  expect(await cache.list({ ifName: "eth1" })).toMatchObject([{ network: "a-b" }]);
  expect(await cache.list({ network: "a" })).toMatchObject([{ containerId: "b-c" }]);
});

test("files that are none of ours are passed over", async () => {
  const reported: unknown[] = [];
  const cache = createResultCache({
    cacheDir: dir,
    extraCacheDirs: [],
    log: (_level, _message, fields) => reported.push(fields?.file),
  });
  await cache.write(entry);
  const names = ["broken", "other-kind", "list"];
  await writeFile(join(dir, "results", "broken"), "{");
  await writeFile(join(dir, "results", "other-kind"), '{"kind":"cniCacheV9"}');
  await writeFile(join(dir, "results", "list"), "[]");
  expect(await cache.list()).toHaveLength(1);
  expect(reported.toSorted()).toEqual(names.map((name) => join(dir, "results", name)).toSorted());
});

test("a file that is removed while the cache is read is not complained of", async () => {
  const file = (name: string) => join(dir, "results", name);
  const reported: unknown[] = [];
  const cache = createResultCache({
    cacheDir: dir,
    extraCacheDirs: [],
    log: (_level, _message, fields) => {
      reported.push(fields?.file);
      rmSync(file("removed"), { force: true });
    },
  });
  await cache.write(entry);
  for (const name of ["broken", "removed"]) await writeFile(file(name), "{");
  expect(await cache.list()).toHaveLength(1);
  expect(reported).toEqual([file("broken")]);
});

describe("another runtime's cache", () => {
  test("is read after our own, and never written", async () => {
    const extra = join(dir, "extra");
    const file = await place(await fixture("1.0.0"), "podnet", extra);
    const cache = open([extra, join(dir, "missing")]);
    const [cached] = await cache.list({ containerId });
    expect(cached).toMatchObject({ readOnly: true, file });
    if (cached !== undefined) await cache.remove(cached);
    expect(await readFile(file, "utf8")).toBe(await fixture("1.0.0"));
  });

  test("does not hide what we know of the same attachment", async () => {
    const extra = join(dir, "extra");
    await place(await fixture("1.0.0"), "podnet", extra);
    const own = await place(await fixture("1.0.0"), "podnet");
    expect(await open([extra]).list({ containerId })).toMatchObject([
      { file: own, readOnly: false },
    ]);
  });
});

test("removing what is gone is no error", async () => {
  const cache = open();
  await cache.write(entry);
  const [cached] = await cache.list();
  if (cached === undefined) throw new Error("nothing was read");
  await cache.remove(cached);
  await cache.remove(cached);
  expect(await cache.list()).toEqual([]);
});
