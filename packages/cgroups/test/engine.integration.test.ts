import { readFileSync, rmdirSync } from "node:fs";
import http from "node:http";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import {
  allParts,
  type CgroupLocation,
  createCgroupReader,
  createLayerUsageTracker,
} from "../src/index.js";

const endpoint = process.env.LAB_DOCKER_ENDPOINT;
const image = process.env.LAB_IMAGE;
if (endpoint === undefined || image === undefined) {
  throw new Error("LAB_DOCKER_ENDPOINT and LAB_IMAGE name the engine and an image that it has");
}
const socketPath = endpoint.replace(/^unix:\/\//, "");

/** One call of the engine; streams end with the reply. */
async function call<Reply>(method: string, path: string, body?: unknown): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "content-type": "application/json" };
    const request = http.request(
      { socketPath, method, path, headers, agent: false },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () => {
          if ((response.statusCode ?? 500) >= 400) {
            reject(new Error(`${path}: ${text}`));
          } else {
            const isJson = response.headers["content-type"]?.includes("json") === true;
            resolve((isJson ? JSON.parse(text) : undefined) as Reply);
          }
        });
        response.on("error", reject);
      },
    );
    request.on("error", reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

interface Inspect {
  Id: string;
  State: { Pid: number };
}

/** What the container's root overlay is written to; an engine with containerd's image store does not tell. */
function upperDirectory({ State: { Pid } }: Inspect): string {
  const mounts = readFileSync(`/proc/${Pid}/mountinfo`, "utf8");
  const upper = /^\S+ \S+ \S+ \S+ \/ .* - overlay .*\bupperdir=([^,\s]+)/m.exec(mounts)?.[1];
  if (upper === undefined) throw new Error("the container's root is no overlay");
  return upper;
}

const parent = `/dockershim-test-${process.pid}`;
const reader = createCgroupReader();
const made: string[] = [];
let driver: CgroupLocation["driver"];

async function run(command: string): Promise<Inspect> {
  const systemd = driver === "systemd";
  const { Id } = await call<{ Id: string }>("POST", "/containers/create", {
    Image: image,
    Cmd: ["sh", "-c", command],
    HostConfig: {
      NetworkMode: "none",
      CgroupParent: systemd ? `dockershimtest${process.pid}.slice` : parent,
      Memory: 64 * 1024 * 1024,
      MemoryReservation: 32 * 1024 * 1024,
      NanoCpus: 500_000_000,
      PidsLimit: 50,
    },
  });
  made.push(Id);
  await call("POST", `/containers/${Id}/start`);
  return call<Inspect>("GET", `/containers/${Id}/json`);
}

async function exec(id: string, command: string): Promise<void> {
  const { Id } = await call<{ Id: string }>("POST", `/containers/${id}/exec`, {
    Cmd: ["sh", "-c", command],
    AttachStdout: true,
  });
  await call("POST", `/exec/${Id}/start`, {});
  const { ExitCode } = await call<{ ExitCode: number }>("GET", `/exec/${Id}/json`);
  expect(ExitCode).toBe(0);
}

beforeAll(async () => {
  const info = await call<{ CgroupDriver: string }>("GET", "/info");
  driver = info.CgroupDriver === "systemd" ? "systemd" : "cgroupfs";
});

afterEach(async () => {
  for (const id of made.splice(0)) await call("DELETE", `/containers/${id}?force=true`);
});

afterAll(() => {
  // The engine leaves the parent behind: it may have been there before.
  const location = reader.forLocation(
    driver === "systemd"
      ? { driver, parent: `dockershimtest${process.pid}.slice` }
      : { driver, parent },
  );
  for (const directory of new Set([...location.v1.values(), location.unified])) {
    if (directory === undefined) continue;
    try {
      rmdirSync(directory);
    } catch {
      // In hierarchies where the engine made none.
    }
  }
});

test("a container's process and its location lead to the same cgroup, with all limits", async () => {
  const container = await run("sleep 1000 & sleep 1000 & wait");
  const found = reader.forPid(container.State.Pid);
  if (found === undefined) throw new Error("the container has no cgroup");
  const located = reader.forLocation({
    driver,
    parent: driver === "systemd" ? `dockershimtest${process.pid}.slice` : parent,
    containerId: container.Id,
  });
  for (const [controller, directory] of found.v1) {
    expect(located.v1.get(controller)).toBe(directory);
  }
  const stats = reader.read(located, allParts);
  expect(stats).toMatchObject({
    cpuDetail: { quotaUs: 50_000n, periodUs: 100_000n },
    memory: { limitBytes: 67_108_864n },
    memoryDetail: { reservationBytes: 33_554_432n, oomKills: 0n },
    pidsDetail: { limit: 50n },
  });
  expect(stats?.cpu?.usageNs).toBeGreaterThan(0n);
  expect(stats?.memory?.usageBytes).toBeGreaterThan(0n);
});

test("an out-of-memory kill is counted", async () => {
  const container = await run("sleep 1000");
  const path = reader.forPid(container.State.Pid);
  if (path === undefined) throw new Error("the container has no cgroup");
  await exec(container.Id, "tail /dev/zero; true");
  const detail = reader.read(path, ["memoryDetail"])?.memoryDetail;
  expect(detail?.oomKills).toBe(1n);
  expect(detail?.failCount).toBeGreaterThan(0n);
});

test("an ended container is undefined while its neighbour is read as before", async () => {
  const [first, second] = await Promise.all([run("sleep 1000"), run("sleep 1000")]);
  const paths = [first, second].map(({ State }) => reader.forPid(State.Pid));
  await call("POST", `/containers/${first.Id}/kill`);
  await call("POST", `/containers/${first.Id}/wait?condition=not-running`);
  const stats = paths.map((path) => path && reader.read(path, allParts));
  expect(stats[0]).toBeUndefined();
  expect(stats[1]?.cpu).toBeDefined();
});

test("what a container writes is in its layer's usage, and what it removes is not", async () => {
  const container = await run("sleep 1000");
  const tracker = createLayerUsageTracker();
  try {
    tracker.watch(container.Id, upperDirectory(container));
    const before = await tracker.refresh(container.Id);
    await exec(
      container.Id,
      "mkdir -p /data/d && dd if=/dev/zero of=/data/d/f bs=1M count=3 && ln /data/d/f /data/g && sync",
    );
    const full = await tracker.refresh(container.Id);
    if (before === undefined || full === undefined) throw new Error("no usage");
    const bytes = full.usedBytes - before.usedBytes;
    expect(bytes).toBeGreaterThanOrEqual(3n * 1_048_576n);
    expect(bytes).toBeLessThan(4n * 1_048_576n);
    expect(full.inodesUsed - before.inodesUsed).toBe(3n);
    await exec(container.Id, "rm -r /data");
    expect(await tracker.refresh(container.Id)).toMatchObject({
      usedBytes: before.usedBytes,
      inodesUsed: before.inodesUsed,
      exact: true,
    });
  } finally {
    await tracker.close();
  }
});
