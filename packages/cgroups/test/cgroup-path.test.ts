import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { CgroupError, type CgroupLocation, createCgroupReader } from "../src/index.js";
import { readerOf, recordedV2, temporaryDirectory } from "./recorded.js";

const reader = readerOf(recordedV2);

function below(location: CgroupLocation): string | undefined {
  return reader.forLocation(location).unified?.slice(recordedV2.root.length);
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

describe("forLocation", () => {
  test.each<[CgroupLocation, string]>([
    [{ driver: "cgroupfs", containerId: "abc" }, "/docker/abc"],
    [{ driver: "cgroupfs", parent: "", containerId: "abc" }, "/docker/abc"],
    [{ driver: "cgroupfs", parent: "/kubepods/podx", containerId: "abc" }, "/kubepods/podx/abc"],
    [{ driver: "cgroupfs", parent: "kubepods//podx/" }, "/kubepods/podx"],
    [{ driver: "systemd", containerId: "abc" }, "/system.slice/docker-abc.scope"],
    [
      { driver: "systemd", parent: "kubepods-burstable-pod1_2.slice", containerId: "abc" },
      "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/docker-abc.scope",
    ],
    [
      { driver: "systemd", parent: "/kubepods.slice/kubepods-pod1.slice" },
      "/kubepods.slice/kubepods-pod1.slice",
    ],
  ])("%j is %s", (location, expected) => {
    expect(below(location)).toBe(expected);
  });

  test.each<CgroupLocation>([
    { driver: "cgroupfs", parent: "/kubepods/../../etc" },
    { driver: "cgroupfs", parent: "/" },
    { driver: "cgroupfs", containerId: "../x" },
    { driver: "cgroupfs", containerId: "a/b" },
    { driver: "cgroupfs", containerId: "" },
    { driver: "systemd", parent: "kubepods" },
    { driver: "systemd", parent: "...slice" },
    { driver: "systemd", parent: "a--b.slice" },
  ])("%j is refused", (location) => {
    expect(codeOf(() => reader.forLocation(location))).toBe("invalid_path");
  });
});

describe("forPid", () => {
  let directory: string;
  const write = (name: string, text: string) => {
    const file = path.join(directory, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
  };
  const open = () =>
    createCgroupReader({
      root: path.join(directory, "cgroup"),
      procRoot: path.join(directory, "proc"),
    });

  beforeEach(() => {
    directory = temporaryDirectory();
  });
  afterEach(() => fs.rmSync(directory, { recursive: true }));

  test("joint mounts, named hierarchies and colons in paths are understood", () => {
    const root = path.join(directory, "cgroup");
    write(
      "proc/self/mountinfo",
      [
        "20 1 0:5 / /proc rw - proc proc rw",
        `31 20 0:28 / ${root}/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct`,
        `32 20 0:29 / ${root}/memory rw,relatime - cgroup cgroup rw,memory`,
        `33 20 0:30 / ${root}/systemd rw - cgroup cgroup rw,xattr,name=systemd`,
        "",
      ].join("\n"),
    );
    write(
      "proc/7/cgroup",
      "4:cpu,cpuacct:/a:b/c\n3:memory:/m\n2:name=systemd:/s\n1:pids:/p\n0::/u\n",
    );
    const reader = open();
    expect(reader.mode).toBe("v1");
    expect(reader.forPid(7)).toEqual({
      mode: "v1",
      v1: new Map([
        ["cpu", `${root}/cpu,cpuacct/a:b/c`],
        ["cpuacct", `${root}/cpu,cpuacct/a:b/c`],
        ["memory", `${root}/memory/m`],
        ["name=systemd", `${root}/systemd/s`],
      ]),
      unified: undefined,
    });
  });

  test("inside a container whose mounts begin at its own cgroup, paths are taken from there", () => {
    const root = path.join(directory, "cgroup");
    write(
      "proc/self/mountinfo",
      `32 20 0:29 /docker/outer ${root}/memory ro - cgroup cgroup rw,memory\n`,
    );
    write("proc/7/cgroup", "3:memory:/docker/outer/docker/inner\n");
    write("proc/8/cgroup", "3:memory:/docker/other\n");
    const reader = open();
    expect(reader.forPid(7)?.v1.get("memory")).toBe(`${root}/memory/docker/inner`);
    expect(reader.forPid(8)).toBeUndefined();
  });

  test.each([
    ["is in the root cgroup", "0::/\n"],
    ["is outside of this cgroup namespace", "0::/../neighbour\n"],
    ["outlived its cgroup", "0::/docker/x (deleted)\n"],
  ])("a process that %s has no cgroup of its own", (_, text) => {
    write("cgroup/cgroup.controllers", "cpu memory\n");
    write("proc/7/cgroup", text);
    expect(open().forPid(7)).toBeUndefined();
  });

  test.each([0, -1, 1.5, Number.NaN])("%p is not a process id", (pid) => {
    expect(codeOf(() => reader.forPid(pid))).toBe("invalid_path");
  });

  test("a directory without any hierarchy is refused", () => {
    fs.mkdirSync(path.join(directory, "cgroup/memory-of-a-kind"), { recursive: true });
    expect(codeOf(open)).toBe("not_available");
    fs.rmSync(path.join(directory, "cgroup"), { recursive: true });
    expect(codeOf(open)).toBe("not_available");
  });
});
