import fs from "node:fs";
import path from "node:path";
import { afterEach, describe, expect, test } from "@jest/globals";
import {
  CgroupError,
  type CgroupPath,
  writeCgroupFile,
  writeHugepageLimit,
  writeUnified,
} from "../src/index.js";
import { copyOf, type Recorded, readerOf, recordedHybrid, recordedV2 } from "./recorded.js";

let copy: ReturnType<typeof copyOf>;

function open(recorded: Recorded): CgroupPath {
  copy = copyOf(recorded);
  return readerOf(copy).forLocation({ driver: "cgroupfs", containerId: copy.containerId });
}

/** Recorded files are ordinary ones, so a shorter value leaves the end of the longer one. */
function clear(...names: string[]): void {
  for (const name of names) fs.truncateSync(inContainer(name));
}

function inContainer(name: string, controller = ""): string {
  return path.join(copy.root, controller, "docker", copy.containerId, name);
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof CgroupError) return error.code;
    throw error;
  }
  return "none";
}

afterEach(() => copy.remove());

describe("on v2", () => {
  test("unified keys are written each to its file", () => {
    const cgroup = open(recordedV2);
    clear("memory.high", "memory.swap.max");
    writeUnified(cgroup, { "memory.high": "50000000", "memory.swap.max": "0" });
    expect(fs.readFileSync(inContainer("memory.high"), "utf8")).toBe("50000000");
    expect(fs.readFileSync(inContainer("memory.swap.max"), "utf8")).toBe("0");
  });

  test("one wrong key and nothing is written", () => {
    const cgroup = open(recordedV2);
    expect(codeOf(() => writeUnified(cgroup, { "memory.high": "1", "../x": "2" }))).toBe(
      "invalid_file",
    );
    expect(fs.readFileSync(inContainer("memory.high"), "utf8")).toBe("max\n");
  });

  test.each([
    "../../etc/passwd",
    "memory.high/../../x",
    "/etc/passwd",
    "memory",
    ".memory",
    "memory.",
    "memory..high",
    "memory.high\n",
    "cgroup.procs",
    "cgroup.kill",
    "",
  ])("%j is no file of a controller", (name) => {
    const cgroup = open(recordedV2);
    expect(codeOf(() => writeCgroupFile(cgroup, name, "1"))).toBe("invalid_file");
    expect(codeOf(() => writeUnified(cgroup, { [name]: "1" }))).toBe("invalid_file");
  });

  test("a symbolic link is not followed and a missing file not made", () => {
    const cgroup = open(recordedV2);
    const victim = path.join(copy.root, "victim");
    fs.writeFileSync(victim, "untouched");
    fs.rmSync(inContainer("memory.high"));
    fs.symlinkSync(victim, inContainer("memory.high"));
    expect(codeOf(() => writeCgroupFile(cgroup, "memory.high", "1"))).toBe("write_refused");
    expect(fs.readFileSync(victim, "utf8")).toBe("untouched");
    expect(codeOf(() => writeCgroupFile(cgroup, "memory.new", "1"))).toBe("gone");
    expect(fs.existsSync(inContainer("memory.new"))).toBe(false);
  });

  test("a value of several lines is refused", () => {
    const cgroup = open(recordedV2);
    expect(codeOf(() => writeCgroupFile(cgroup, "io.max", "8:0 rbps=1\n8:16 rbps=1"))).toBe(
      "write_refused",
    );
  });

  test("huge pages are limited in use and in reservation", () => {
    const cgroup = open(recordedV2);
    clear("hugetlb.2MB.max", "hugetlb.2MB.rsvd.max");
    writeHugepageLimit(cgroup, "2MB", 4_194_304n);
    expect(fs.readFileSync(inContainer("hugetlb.2MB.max"), "utf8")).toBe("4194304");
    expect(fs.readFileSync(inContainer("hugetlb.2MB.rsvd.max"), "utf8")).toBe("4194304");
    expect(codeOf(() => writeHugepageLimit(cgroup, "64KB", 0n))).toBe("gone");
    expect(codeOf(() => writeHugepageLimit(cgroup, "2MB/..", 0n))).toBe("invalid_file");
  });
});

describe("on v1", () => {
  test("unified keys are refused, and nothing is written", () => {
    const cgroup = open(recordedHybrid);
    for (const key of ["memory.high", "cpu.weight", "io.weight", "pids.max"]) {
      expect(codeOf(() => writeUnified(cgroup, { [key]: "1" }))).toBe("unified_on_v1");
    }
    expect(fs.readFileSync(inContainer("pids.max", "pids"), "utf8")).toBe("50\n");
  });

  test("unified keys of a controller that a hybrid machine has on v2 are written", () => {
    const cgroup = open(recordedHybrid);
    fs.writeFileSync(inContainer("hugetlb.2MB.max", "unified"), "");
    writeUnified(cgroup, { "hugetlb.2MB.max": "0" });
    expect(fs.readFileSync(inContainer("hugetlb.2MB.max", "unified"), "utf8")).toBe("0");
  });

  test("a file goes into the hierarchy of its controller", () => {
    const cgroup = open(recordedHybrid);
    writeCgroupFile(cgroup, "memory.swappiness", 0n);
    expect(fs.readFileSync(inContainer("memory.swappiness", "memory"), "utf8")).toMatch(/^0/);
  });

  test("huge pages are limited by the file that v1 has for it", () => {
    open(recordedHybrid);
    fs.mkdirSync(path.dirname(inContainer("x", "hugetlb")), { recursive: true });
    fs.writeFileSync(inContainer("hugetlb.2MB.limit_in_bytes", "hugetlb"), "");
    const cgroup = readerOf(copy).forLocation({
      driver: "cgroupfs",
      containerId: copy.containerId,
    });
    writeHugepageLimit(cgroup, "2MB", 2_097_152n);
    expect(fs.readFileSync(inContainer("hugetlb.2MB.limit_in_bytes", "hugetlb"), "utf8")).toBe(
      "2097152",
    );
  });

  test("a cgroup that is gone is told apart from a value that is refused", () => {
    const cgroup = open(recordedHybrid);
    fs.rmSync(path.dirname(inContainer("x", "memory")), { recursive: true });
    expect(codeOf(() => writeCgroupFile(cgroup, "memory.limit_in_bytes", "1"))).toBe("gone");
  });
});
