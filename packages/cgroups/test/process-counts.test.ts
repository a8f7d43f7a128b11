import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { createCgroupReader } from "../src/index.js";
import { temporaryDirectory } from "./recorded.js";

let directory: string;

function write(name: string, text: string): void {
  const file = path.join(directory, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
}

function link(name: string, target: string): void {
  const file = path.join(directory, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.symlinkSync(target, file);
}

function open() {
  const reader = createCgroupReader({
    root: path.join(directory, "cgroup"),
    procRoot: path.join(directory, "proc"),
  });
  return { reader, cgroup: reader.forLocation({ driver: "cgroupfs", containerId: "a" }) };
}

beforeEach(() => {
  directory = temporaryDirectory();
  write("cgroup/cgroup.controllers", "");
  write("cgroup/docker/a/cgroup.procs", "11\n12\n");
  write("cgroup/docker/a/cgroup.threads", "11\n12\n13\n");
  write("cgroup/docker/a/below/cgroup.procs", "14\n");
  write("cgroup/docker/a/below/cgroup.threads", "14\n15\n");
  link("proc/11/fd/0", "/dev/null");
  link("proc/11/fd/3", "socket:[4711]");
  link("proc/14/fd/0", "socket:[4712]");
  link("proc/14/fd/1", "pipe:[1]");
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

test("cgroups that the container made below its own count too", () => {
  const { reader, cgroup } = open();
  expect(reader.countProcesses(cgroup)).toEqual({
    processes: 3,
    threads: 5,
    fileDescriptors: undefined,
    sockets: undefined,
    truncated: false,
  });
});

test("threads that somebody else counts are not", () => {
  const { reader, cgroup } = open();
  expect(reader.countProcesses(cgroup, { threads: false })).toMatchObject({
    processes: 3,
    threads: undefined,
  });
});

test("a cgroup that is known to have one task is not looked into", () => {
  const { reader, cgroup } = open();
  expect(reader.countProcesses(cgroup, { fileDescriptors: true, onlyPid: 11 })).toEqual({
    processes: 1,
    threads: 1,
    fileDescriptors: 2,
    sockets: 1,
    truncated: false,
  });
});

test("of more processes than one page has room for, all are counted", () => {
  const pids = Array.from({ length: 3_000 }, (_, index) => `${1_000_000 + index}\n`);
  write("cgroup/docker/a/cgroup.procs", pids.join(""));
  const { reader, cgroup } = open();
  expect(reader.countProcesses(cgroup)).toMatchObject({ processes: 3_001 });
});

test("descriptors and sockets are counted on demand; a process that ended has none", () => {
  const { reader, cgroup } = open();
  expect(reader.countProcesses(cgroup, { fileDescriptors: true })).toEqual({
    processes: 3,
    threads: 5,
    fileDescriptors: 4,
    sockets: 2,
    truncated: false,
  });
});

test("the count of descriptors stops at its bound and says so", () => {
  const { reader, cgroup } = open();
  expect(
    reader.countProcesses(cgroup, { fileDescriptors: true, maxFileDescriptors: 2 }),
  ).toMatchObject({ fileDescriptors: 2, truncated: true });
  expect(
    reader.countProcesses(cgroup, { fileDescriptors: true, maxFileDescriptors: 4 }),
  ).toMatchObject({ fileDescriptors: 4, truncated: false });
});

test("on v1 threads are counted from tasks", () => {
  fs.rmSync(path.join(directory, "cgroup"), { recursive: true });
  write("cgroup/pids/docker/a/cgroup.procs", "11\n");
  write("cgroup/pids/docker/a/tasks", "11\n12\n");
  const { reader, cgroup } = open();
  expect(reader.countProcesses(cgroup)).toMatchObject({ processes: 1, threads: 2 });
});
