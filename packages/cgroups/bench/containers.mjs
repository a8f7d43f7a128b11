/**
 * How long it takes to read 100 containers: node bench/containers.mjs [containers]
 *
 * Needs root. Makes cgroups of its own, each with one process that sleeps, and removes them.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import {
  allParts,
  createCgroupReader,
  createLayerUsageTracker,
  kubeletParts,
} from "../dist/index.js";

const containers = Number(process.argv[2] ?? 100);
const root = "/sys/fs/cgroup";
const parent = `/dockershim-bench-${process.pid}`;
const rounds = 50;
// Whoever reads the output may go away first; the cgroups are to be removed all the same.
process.stdout.on("error", () => {});

const reader = createCgroupReader();
const hierarchies =
  reader.mode === "v2"
    ? [root]
    : fs
        .readdirSync(root, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => path.join(root, entry.name));

/** On v2 controllers are handed down by name, on v1 a cpuset by value. */
function makeDirectory(directory) {
  fs.mkdirSync(directory);
  const controllers = path.join(directory, "cgroup.controllers");
  const handDown = path.join(directory, "cgroup.subtree_control");
  if (reader.mode === "v2" && directory.endsWith(parent)) {
    const names = fs.readFileSync(controllers, "utf8").trim().split(" ").filter(Boolean);
    fs.writeFileSync(handDown, names.map((name) => `+${name}`).join(" "));
  }
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    const above = path.join(path.dirname(directory), file);
    if (reader.mode !== "v2" && fs.existsSync(above)) {
      fs.writeFileSync(path.join(directory, file), fs.readFileSync(above));
    }
  }
}

function measure(name, operation) {
  const times = [];
  const before = process.cpuUsage();
  for (let round = 0; round < rounds; round++) {
    const start = process.hrtime.bigint();
    operation();
    times.push(Number(process.hrtime.bigint() - start) / 1e6);
  }
  const { user, system } = process.cpuUsage(before);
  const processor = ((user + system) / 1000 / rounds).toFixed(2).padStart(7);
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.floor(share * (rounds - 1))].toFixed(2).padStart(7);
  console.log(
    `${name.padEnd(52)} least ${at(0)} ms   median ${at(0.5)} ms   95 % ${at(0.95)} ms   processor ${processor} ms`,
  );
}

const names = Array.from({ length: containers }, (_, index) => `container${index}`);
const sleepers = [];
const layers = fs.mkdtempSync(path.join(os.tmpdir(), "cgroups-bench-"));
const tracker = createLayerUsageTracker({ callsPerSecond: Number.POSITIVE_INFINITY });
try {
  for (const hierarchy of hierarchies) {
    makeDirectory(hierarchy + parent);
    for (const name of names) makeDirectory(`${hierarchy}${parent}/${name}`);
  }
  for (const name of names) {
    const sleeper = spawn("sleep", ["1000"], { stdio: "ignore" });
    sleepers.push(sleeper);
    for (const hierarchy of hierarchies) {
      fs.writeFileSync(`${hierarchy}${parent}/${name}/cgroup.procs`, String(sleeper.pid));
    }
    for (let file = 0; file < 50; file++) {
      const directory = path.join(layers, name, `d${file % 10}`);
      fs.mkdirSync(directory, { recursive: true });
      fs.writeFileSync(path.join(directory, `f${file}`), "x");
    }
    tracker.watch(name, path.join(layers, name));
  }
  const pids = sleepers.map(({ pid }) => pid);
  const paths = names.map((containerId) =>
    reader.forLocation({ driver: "cgroupfs", parent, containerId }),
  );
  if (paths.some((one) => reader.read(one, ["cpu", "memory", "pids"])?.memory === undefined)) {
    throw new Error("not every cgroup can be read");
  }

  console.log(
    `${containers} containers, cgroup ${reader.mode}, Linux ${os.release()}, Node ${process.version}`,
  );
  measure("kubelet: cpu, memory, swap, pids, pressure, layer", () => {
    for (let i = 0; i < containers; i++) {
      reader.read(paths[i], kubeletParts);
      tracker.usage(names[i]);
    }
  });
  const keeping = createCgroupReader({ maxOpenFiles: 10 * containers });
  measure("the same with files kept open", () => {
    for (let i = 0; i < containers; i++) {
      keeping.read(paths[i], kubeletParts);
      tracker.usage(names[i]);
    }
  });
  keeping.close();
  measure("network counters of as many namespaces", () => {
    for (const pid of pids) reader.readNetwork(pid, { defaultInterface: "eth0" });
  });
  measure("metrics: all parts", () => {
    for (const one of paths) reader.read(one, allParts);
  });
  measure("metrics: processes, descriptors, sockets, ulimits", () => {
    for (let i = 0; i < containers; i++) {
      reader.countProcesses(paths[i], { fileDescriptors: true });
      reader.readUlimits(pids[i]);
    }
  });
  measure("find the cgroups by process id", () => {
    for (const pid of pids) reader.forPid(pid);
  });
  const first = process.hrtime.bigint();
  const cpu = process.cpuUsage();
  await Promise.all(names.map((name) => tracker.refresh(name)));
  const took = Number(process.hrtime.bigint() - first) / 1e6;
  const used = process.cpuUsage(cpu);
  console.log(
    `${"layers: look at 61 entries each, in the background".padEnd(52)} in all ${took.toFixed(0)} ms, processor ${((used.user + used.system) / 1000).toFixed(0)} ms`,
  );
} finally {
  await tracker.close();
  for (const sleeper of sleepers) {
    const ended = once(sleeper, "exit");
    sleeper.kill("SIGKILL");
    await ended;
  }
  for (const hierarchy of hierarchies) {
    for (const name of names) await remove(`${hierarchy}${parent}/${name}`);
    await remove(hierarchy + parent);
  }
  fs.rmSync(layers, { recursive: true });
}

/** An ended process leaves its cgroup a moment after its parent learned of the end. */
async function remove(directory) {
  while (fs.existsSync(directory)) {
    try {
      fs.rmdirSync(directory);
    } catch (error) {
      if (error.code !== "EBUSY") throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
