import fs from "node:fs";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import {
  allParts,
  CgroupError,
  type CgroupPath,
  createCgroupReader,
  kubeletParts,
  usageNanoCores,
  writeCgroupFile,
  writeHugepageLimit,
  writeUnified,
} from "../src/index.js";
import { type Child, makeOwnCgroup, type OwnCgroup, startChild } from "./own-cgroup.js";

/** Does what each line says, and keeps what it made, until it is stopped. */
const worker = `
const fs = require("node:fs"), net = require("node:net");
const kept = [];
const tasks = {
  burn(ms) {
    const end = process.cpuUsage().user + ms * 1000;
    while (process.cpuUsage().user < end) for (let i = 0; i < 1e7; i++);
  },
  allocate(bytes) { kept.push(Buffer.alloc(bytes, 1)); },
  open(count) { for (let i = 0; i < count; i++) kept.push(fs.openSync("/dev/null")); },
  async listen(count) {
    for (let i = 0; i < count; i++) {
      const server = net.createServer();
      await new Promise((resolve) => server.listen("\\0cgroups-test-" + process.pid + "-" + i, resolve));
    }
  },
  idle() {},
};
process.stdin.setEncoding("utf8").on("data", async (line) => {
  const [task, argument] = line.trim().split(" ");
  await tasks[task](Number(argument));
  console.log("done");
});
`;

let cgroup: OwnCgroup;
let child: Child;

const reader = createCgroupReader();

beforeEach(async () => {
  cgroup = makeOwnCgroup();
  child = startChild(worker);
  await child.ask("idle 0");
  cgroup.add(child.pid);
});

afterEach(async () => {
  await child.stop();
  await cgroup.remove();
});

function find(): CgroupPath {
  const path = reader.forPid(child.pid);
  if (path === undefined) throw new Error("the child has no cgroup");
  return path;
}

test("a process leads to the cgroup that it is in", () => {
  const named = reader.forLocation({ driver: "cgroupfs", parent: cgroup.name });
  const found = find();
  expect(found.unified).toBe(named.unified);
  for (const [controller, directory] of found.v1) expect(directory).toBe(named.v1.get(controller));
  expect(reader.exists(found)).toBe(true);
});

test("processor time counts up by what is burned, and nearly all of it is user time", async () => {
  const path = find();
  const before = reader.read(path, ["cpu", "cpuDetail"]);
  await child.ask("burn 300");
  const after = reader.read(path, ["cpu", "cpuDetail"]);
  if (before?.cpu === undefined || after?.cpu === undefined) throw new Error("no processor time");
  const used = after.cpu.usageNs - before.cpu.usageNs;
  expect(used).toBeGreaterThanOrEqual(300_000_000n);
  const user = (after.cpuDetail?.userNs ?? 0n) - (before.cpuDetail?.userNs ?? 0n);
  expect(user).toBeGreaterThan(used / 2n);
  expect(reader.read(path, ["cpuset"])?.cpuset?.cpus).toBeGreaterThan(0);
  const rate = usageNanoCores(before.cpu, after.cpu) ?? 0n;
  expect(rate).toBeGreaterThan(0n);
  expect(rate).toBe((used * 1_000_000_000n) / (after.cpu.monotonicNs - before.cpu.monotonicNs));
});

test("memory counts up by what is allocated, as usage, working set and anonymous memory", async () => {
  const path = find();
  const before = reader.read(path, ["memory"])?.memory;
  await child.ask(`allocate ${64 * 1024 * 1024}`);
  const after = reader.read(path, ["memory"])?.memory;
  if (before === undefined || after === undefined) throw new Error("no memory");
  // The kernel's per-processor batches make the counters lag by less than this.
  const allocated = 63n * 1024n * 1024n;
  expect(after.usageBytes - before.usageBytes).toBeGreaterThan(allocated);
  expect(after.workingSetBytes - before.workingSetBytes).toBeGreaterThan(allocated);
  expect((after.rssBytes ?? 0n) - (before.rssBytes ?? 0n)).toBeGreaterThan(allocated);
  expect(after.pageFaults ?? 0n).toBeGreaterThan(before.pageFaults ?? 0n);
  expect(after.limitBytes).toBeUndefined();
  expect(after.availableBytes).toBeUndefined();
});

test("limits that were set are read back, and available is what they leave", () => {
  const v1 = reader.mode !== "v2";
  cgroup.set("memory", v1 ? "memory.limit_in_bytes" : "memory.max", String(512 * 1024 * 1024));
  cgroup.set("pids", "pids.max", "1000");
  const stats = reader.read(find(), ["memory", "pidsDetail"]);
  expect(stats?.memory?.limitBytes).toBe(512n * 1024n * 1024n);
  expect(stats?.memory?.availableBytes).toBe(
    512n * 1024n * 1024n - (stats?.memory?.workingSetBytes ?? 0n),
  );
  expect(stats?.pidsDetail?.limit).toBe(1000n);
});

test("processes, threads, descriptors and sockets are counted", async () => {
  const path = find();
  const count = () => {
    const counts = reader.countProcesses(path, { fileDescriptors: true });
    if (counts === undefined) throw new Error("no counts");
    return { ...counts, descriptors: counts.fileDescriptors ?? 0, sockets: counts.sockets ?? 0 };
  };
  const before = count();
  expect(before.processes).toBe(1);
  expect(before.threads).toBe(fs.readdirSync(`/proc/${child.pid}/task`).length);
  expect(before.descriptors).toBe(fs.readdirSync(`/proc/${child.pid}/fd`).length);
  expect(reader.read(path, ["pids"])?.pids?.current).toBe(BigInt(before.threads ?? -1));
  await child.ask("open 10");
  await child.ask("listen 5");
  const after = count();
  expect(after.sockets - before.sockets).toBe(5);
  expect(after.descriptors - before.descriptors).toBe(15);
});

test("resource limits are those that the kernel reports", () => {
  const limits = reader.readUlimits(child.pid) ?? [];
  const files = /^Max open files +(\d+) +(\d+)/m.exec(
    fs.readFileSync(`/proc/${child.pid}/limits`, "utf8"),
  );
  expect(limits.find(({ name }) => name === "max_open_files")).toEqual({
    name: "max_open_files",
    soft: BigInt(files?.[1] ?? 0),
    hard: BigInt(files?.[2] ?? 0),
  });
});

test("pressure is there exactly when the kernel measures it for the cgroup", () => {
  const path = find();
  const measured = path.unified !== undefined && fs.existsSync(`${path.unified}/cpu.pressure`);
  expect(reader.read(path, ["pressure"])?.pressure !== undefined).toBe(measured);
});

test("a cgroup that is removed is undefined from then on", async () => {
  const path = find();
  expect(reader.read(path, allParts)?.cpu).toBeDefined();
  await child.stop();
  await cgroup.remove();
  expect(reader.read(path, allParts)).toBeUndefined();
  expect(reader.exists(path)).toBe(false);
  expect(reader.countProcesses(path)).toBeUndefined();
  expect(reader.forPid(child.pid)).toBeUndefined();
  expect(reader.readNetwork(child.pid)).toBeUndefined();
  cgroup = makeOwnCgroup();
  child = startChild(worker);
});

test("files that are kept open give fresh figures, and a new cgroup of the same name its own", async () => {
  const keeping = createCgroupReader({ maxOpenFiles: 100 });
  try {
    const path = find();
    const before = keeping.read(path, kubeletParts);
    await child.ask("burn 50");
    const after = keeping.read(path, kubeletParts);
    if (before?.cpu === undefined || after?.cpu === undefined) throw new Error("no processor time");
    expect(after.cpu.usageNs - before.cpu.usageNs).toBeGreaterThanOrEqual(50_000_000n);
    await child.stop();
    await cgroup.remove();
    expect(keeping.read(path, kubeletParts)).toBeUndefined();
    cgroup = makeOwnCgroup(cgroup.name);
    child = startChild(worker);
    await child.ask("idle 0");
    expect(keeping.read(path, ["cpu"])?.cpu?.usageNs).toBe(0n);
  } finally {
    keeping.close();
  }
});

test("huge pages are limited where the cgroup has the controller, and refused where not", () => {
  const path = find();
  const [first] = reader.read(path, ["hugetlb"])?.hugetlb ?? [];
  if (first === undefined) {
    expect(() => writeHugepageLimit(path, "2MB", 0n)).toThrow(/does not exist|no hugetlb/);
    return;
  }
  writeHugepageLimit(path, "2MB", 4_194_304n);
  const { hugetlb, hugetlbDetail } = reader.read(path, ["hugetlb", "hugetlbDetail"]) ?? {};
  expect(hugetlb).toContainEqual(expect.objectContaining({ pageSize: "2MB", usageBytes: 0n }));
  expect(hugetlbDetail).toContainEqual(
    expect.objectContaining({ pageSize: "2MB", limitBytes: 4_194_304n }),
  );
});

test("a limit that is written is the kernel's, and one that it refuses is told", () => {
  const path = find();
  writeCgroupFile(path, "pids.max", 77n);
  expect(reader.read(path, ["pidsDetail"])?.pidsDetail?.limit).toBe(77n);
  const codes: string[] = [];
  for (const attempt of [
    () => writeCgroupFile(path, "pids.max", "many"),
    () => writeCgroupFile(path, "pids.none", "1"),
    () => writeUnified(path, { "pids.max": "78" }),
  ]) {
    try {
      attempt();
      codes.push("written");
    } catch (error) {
      if (!(error instanceof CgroupError)) throw error;
      codes.push(error.code);
    }
  }
  const v1 = reader.mode !== "v2";
  expect(codes).toEqual(["write_refused", "gone", v1 ? "unified_on_v1" : "written"]);
  expect(reader.read(path, ["pidsDetail"])?.pidsDetail?.limit).toBe(v1 ? 77n : 78n);
});

test("network counters are those of the process's own namespace", async () => {
  // Two interfaces that are the two ends of one wire: what leaves net1 arrives at eth0.
  const sender = startChild(
    `
const { execFileSync } = require("node:child_process");
const ip = (...words) => execFileSync("ip", words);
ip("link", "add", "eth0", "type", "veth", "peer", "name", "net1");
ip("link", "set", "eth0", "up");
ip("link", "set", "net1", "up");
ip("addr", "add", "10.99.0.1/24", "dev", "net1");
ip("neigh", "add", "10.99.0.2", "lladdr", "02:00:00:00:00:02", "dev", "net1");
ip("route", "add", "default", "via", "10.99.0.2");
const socket = require("node:dgram").createSocket("udp4");
process.stdin.on("data", async () => {
  for (let i = 0; i < 20; i++) {
    await new Promise((resolve) => socket.send(Buffer.alloc(1000), 9, "10.99.0.2", resolve));
  }
  console.log("done");
});
`,
    ["unshare", "--net"],
  );
  const eth0 = { defaultInterface: "eth0" };
  try {
    await sender.ask("send");
    const before = reader.readNetwork(sender.pid);
    expect(before?.defaultInterface?.name).toBe("net1");
    expect(before?.interfaces.map(({ name }) => name)).toEqual(["eth0"]);
    expect(reader.readNetwork(sender.pid, eth0)?.defaultInterface?.name).toBe("eth0");
    await sender.ask("send");
    const after = reader.readNetwork(sender.pid);
    const more = (counter: "rxBytes" | "txBytes", of: "defaultInterface" | "other") => {
      const pick = (one: typeof after) =>
        (of === "other" ? one?.interfaces[0] : one?.defaultInterface)?.[counter] ?? 0n;
      return pick(after) - pick(before);
    };
    // 1000 bytes of data with 42 of Ethernet, IPv4 and UDP headers each.
    expect(more("txBytes", "defaultInterface")).toBeGreaterThanOrEqual(20n * 1042n);
    expect(more("rxBytes", "other")).toBeGreaterThanOrEqual(20n * 1042n);
  } finally {
    await sender.stop();
  }
});
