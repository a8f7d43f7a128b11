import { labVariable } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createDockerClient } from "../src/index.js";
import { type LabEngine, openLabEngine } from "./lab-engine.js";
import { startSocketProxy } from "./socket-proxy.js";

let lab: LabEngine;

beforeAll(() => {
  lab = openLabEngine();
});

afterAll(() => lab.end());

test("the highest version that the engine and we speak is negotiated", async () => {
  const version = await lab.client.version();
  expect(version.Version).toBe(labVariable("LAB_DOCKER_VERSION"));
  expect(await lab.client.apiVersion()).toBe(version.ApiVersion);
});

test("a client that wants a newer API than the engine's is told so", async () => {
  const strict = createDockerClient({
    endpoint: lab.endpoint,
    minApiVersion: "1.90",
    maxApiVersion: "1.99",
  });
  await expect(strict.containers.list()).rejects.toMatchObject({
    code: "unsupported_api",
    engineMessage: expect.stringContaining("too old"),
  });
  await strict.close();
});

test("the engine tells of itself", async () => {
  const info = await lab.client.info();
  expect(info).toMatchObject({
    ID: expect.any(String),
    ServerVersion: labVariable("LAB_DOCKER_VERSION"),
    OSType: "linux",
    CgroupDriver: expect.stringMatching(/^(cgroupfs|systemd)$/),
    DockerRootDir: expect.stringMatching(/^\//),
    DefaultRuntime: "runc",
  });
  expect(info.NCPU).toBeGreaterThan(0);
  expect(info.MemTotal).toBeGreaterThan(0);
});

test("the disk usage of images is counted", async () => {
  const usage = await lab.client.diskUsage({ type: ["image"] });
  expect(usage.ImageUsage?.TotalSize ?? usage.LayersSize).toBeGreaterThan(0);
  expect(usage.Images?.length).toBeGreaterThan(0);
});

test("1,000 pings share one connection", async () => {
  const proxy = await startSocketProxy(lab.endpoint);
  const client = createDockerClient({ endpoint: proxy.endpoint });
  try {
    for (let i = 0; i < 1000; i++) await client.ping();
    expect(proxy.accepted).toBe(1);
    await Promise.all(Array.from({ length: 200 }, () => client.ping()));
    expect(proxy.accepted).toBeLessThanOrEqual(32);
    await client.close();
    await proxy.idle();
  } finally {
    await client.close();
    await proxy.close();
  }
});

test("a cut connection costs the calls underway, not the next ones", async () => {
  const proxy = await startSocketProxy(lab.endpoint);
  const client = createDockerClient({ endpoint: proxy.endpoint });
  try {
    await client.ping();
    proxy.cut();
    await expect(client.version()).resolves.toMatchObject({ Os: "linux" });
  } finally {
    await client.close();
    await proxy.close();
  }
});
