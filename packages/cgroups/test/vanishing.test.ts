import fs from "node:fs";
import path from "node:path";
import { afterEach, describe, expect, test } from "@jest/globals";
import { type CgroupPath, type CgroupReader, kubeletParts } from "../src/index.js";
import { copyOf, type Recorded, readerOf, recordedHybrid, recordedV2 } from "./recorded.js";

let copy: ReturnType<typeof copyOf>;

function open(recorded: Recorded): { reader: CgroupReader; cgroup: CgroupPath } {
  copy = copyOf(recorded);
  const reader = readerOf(copy);
  const cgroup = reader.forLocation({ driver: "cgroupfs", containerId: copy.containerId });
  return { reader, cgroup };
}

function removeDirectory(...parts: string[]): void {
  fs.rmSync(path.join(copy.root, ...parts, "docker", copy.containerId), { recursive: true });
}

afterEach(() => copy.remove());

describe("on v2", () => {
  test("a removed cgroup is undefined as a whole", () => {
    const { reader, cgroup } = open(recordedV2);
    expect(reader.exists(cgroup)).toBe(true);
    removeDirectory();
    expect(reader.exists(cgroup)).toBe(false);
    expect(reader.read(cgroup, kubeletParts)).toBeUndefined();
    expect(reader.read(cgroup, ["io"])).toBeUndefined();
    expect(reader.countProcesses(cgroup)).toBeUndefined();
  });

  test("a controller that is not enabled is undefined alone", () => {
    const { reader, cgroup } = open(recordedV2);
    for (const name of ["memory.current", "memory.stat", "memory.max"]) {
      fs.rmSync(path.join(copy.root, "docker", copy.containerId, name));
    }
    const stats = reader.read(cgroup, kubeletParts);
    expect(stats?.memory).toBeUndefined();
    expect(stats?.cpu?.usageNs).toBe(4_578_501_000n);
  });

  test("without PSI there is no pressure, and before Linux 5.13 no full line for processors", () => {
    const { reader, cgroup } = open(recordedV2);
    const directory = path.join(copy.root, "docker", copy.containerId);
    fs.writeFileSync(
      path.join(directory, "cpu.pressure"),
      "some avg10=1.50 avg60=0.00 avg300=0.00 total=7\n",
    );
    expect(reader.read(cgroup, ["pressure"])?.pressure?.cpu).toEqual({
      some: { avg10: 1.5, avg60: 0, avg300: 0, totalNs: 7000n },
      full: undefined,
    });
    for (const name of ["cpu.pressure", "memory.pressure", "io.pressure"]) {
      fs.rmSync(path.join(directory, name));
    }
    expect(reader.read(cgroup, kubeletParts)?.pressure).toBeUndefined();
  });

  test("throttling at memory.high and hits of the limit are counted apart", () => {
    const { reader, cgroup } = open(recordedV2);
    fs.writeFileSync(
      path.join(copy.root, "docker", copy.containerId, "memory.events"),
      "low 1\nhigh 4107\nmax 84\noom 3\noom_kill 2\noom_group_kill 0\n",
    );
    expect(reader.read(cgroup, ["memoryDetail"])?.memoryDetail).toMatchObject({
      failCount: 84n,
      highCount: 4107n,
      oomKills: 2n,
    });
  });

  test("kernels before 5.18 have kernel memory summed up from its kinds", () => {
    const { reader, cgroup } = open(recordedV2);
    const stat = path.join(copy.root, "docker", copy.containerId, "memory.stat");
    fs.writeFileSync(stat, fs.readFileSync(stat, "utf8").replace(/^kernel .*\n/m, ""));
    expect(reader.read(cgroup, ["memoryDetail"])?.memoryDetail?.kernelBytes).toBe(
      49_152n + 61_440n + 1_328n + 0n + 8_192n + 224_072n,
    );
  });
});

describe("on v1", () => {
  test("a cgroup that loses one hierarchy is on its way out and reported as gone", () => {
    const { reader, cgroup } = open(recordedHybrid);
    removeDirectory("cpuacct");
    expect(reader.read(cgroup, kubeletParts)).toBeUndefined();
  });

  test("one that never had a v2 directory lives, without pressure", () => {
    const { reader, cgroup } = open(recordedHybrid);
    removeDirectory("unified");
    const stats = reader.read(cgroup, kubeletParts);
    expect(stats?.pressure).toBeUndefined();
    expect(stats?.pids?.current).toBe(3n);
  });

  test("without swap accounting there is no swap, and memory is there all the same", () => {
    const { reader, cgroup } = open(recordedHybrid);
    const stat = path.join(copy.root, "memory/docker", copy.containerId, "memory.stat");
    fs.writeFileSync(stat, fs.readFileSync(stat, "utf8").replace(/^.*swap .*\n/gm, ""));
    const stats = reader.read(cgroup, kubeletParts);
    expect(stats?.swap).toBeUndefined();
    expect(stats?.memory?.usageBytes).toBe(9_359_360n);
  });

  test("unlimited memory, however the page size rounds it, has no limit and nothing available", () => {
    const { reader, cgroup } = open(recordedHybrid);
    const limit = path.join(copy.root, "memory/docker", copy.containerId, "memory.limit_in_bytes");
    for (const unlimited of ["9223372036854771712\n", "9223372036854710272\n", "-1\n"]) {
      fs.writeFileSync(limit, unlimited);
      const memory = reader.read(cgroup, ["memory"])?.memory;
      expect(memory).toMatchObject({ limitBytes: undefined, availableBytes: undefined });
    }
  });

  test("a cache larger than the usage, as counters run apart, makes a working set of zero", () => {
    const { reader, cgroup } = open(recordedHybrid);
    const usage = path.join(copy.root, "memory/docker", copy.containerId, "memory.usage_in_bytes");
    fs.writeFileSync(usage, "4096\n");
    expect(reader.read(cgroup, ["memory"])?.memory).toMatchObject({
      usageBytes: 4096n,
      workingSetBytes: 0n,
      availableBytes: 67_108_864n,
    });
  });

  test("huge pages of v1 have their peak and their failures", () => {
    const { reader } = open(recordedHybrid);
    const directory = path.join(copy.root, "hugetlb/docker", copy.containerId);
    fs.mkdirSync(directory, { recursive: true });
    for (const [name, value] of [
      ["usage_in_bytes", "4194304"],
      ["max_usage_in_bytes", "8388608"],
      ["limit_in_bytes", "9223372036852678656"],
      ["failcnt", "2"],
      ["rsvd.usage_in_bytes", "4194304"],
    ]) {
      fs.writeFileSync(path.join(directory, `hugetlb.2MB.${name}`), `${value}\n`);
    }
    const again = readerOf(copy);
    const cgroup = again.forLocation({ driver: "cgroupfs", containerId: copy.containerId });
    expect(again.read(cgroup, ["hugetlb", "hugetlbDetail"])).toMatchObject({
      hugetlb: [{ pageSize: "2MB", usageBytes: 4_194_304n, maxUsageBytes: 8_388_608n }],
      hugetlbDetail: [{ pageSize: "2MB", limitBytes: undefined, failCount: 2n }],
    });
    expect(reader.mode).toBe("hybrid");
  });

  test("a process that ended has no cgroup, network or limits", () => {
    const { reader } = open(recordedHybrid);
    fs.rmSync(path.join(copy.procRoot, String(copy.pid)), { recursive: true });
    expect(reader.forPid(copy.pid)).toBeUndefined();
    expect(reader.readNetwork(copy.pid)).toBeUndefined();
    expect(reader.readUlimits(copy.pid)).toBeUndefined();
  });
});
