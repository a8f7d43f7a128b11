/**
 * Ways to read kernel files, to choose one by: node bench/read-methods.mjs
 *
 * Reads the files that the kubelet's figures come from, of this process's own cgroups, 100 times
 * over. Changes nothing.
 */
import fs from "node:fs";
import { createCgroupReader } from "../dist/index.js";

const rounds = 30;
const buffer = Buffer.allocUnsafe(16 * 1024);
const { mode } = createCgroupReader();
const one =
  mode === "v2"
    ? [
        "",
        "memory.stat",
        "cpu.stat",
        "cpu.pressure",
        "memory.pressure",
        "io.pressure",
        "cgroup.stat",
      ]
    : [
        "memory/",
        "memory.stat",
        "memory.usage_in_bytes",
        "memory.limit_in_bytes",
        "memory.memsw.limit_in_bytes",
        "memory.failcnt",
        "memory.max_usage_in_bytes",
      ];
const [directory, ...files] = one;
const paths = Array.from({ length: 100 }, () =>
  files.map((file) => `/sys/fs/cgroup/${directory}${file}`),
).flat();

async function measure(name, operation) {
  const times = [];
  for (let round = 0; round < rounds; round++) {
    const start = process.hrtime.bigint();
    await operation();
    times.push(Number(process.hrtime.bigint() - start) / 1e6);
  }
  times.sort((a, b) => a - b);
  console.log(`${name.padEnd(40)} median ${times[rounds / 2].toFixed(2).padStart(7)} ms`);
}

console.log(`${paths.length} files, cgroup ${mode}, Node ${process.version}`);
await measure("open, read into one buffer, close", () => {
  for (const path of paths) {
    const fd = fs.openSync(path, "r");
    const count = fs.readSync(fd, buffer, 0, buffer.length, null);
    buffer.toString("latin1", 0, count);
    fs.closeSync(fd);
  }
});
await measure("readFileSync", () => {
  for (const path of paths) fs.readFileSync(path, "utf8");
});
await measure("promises.readFile, all at once", () =>
  Promise.all(paths.map((path) => fs.promises.readFile(path, "utf8"))),
);
const open = paths.map((path) => fs.openSync(path, "r"));
await measure("read again from descriptors kept open", () => {
  for (const fd of open) {
    const count = fs.readSync(fd, buffer, 0, buffer.length, 0);
    buffer.toString("latin1", 0, count);
  }
});
for (const fd of open) fs.closeSync(fd);
