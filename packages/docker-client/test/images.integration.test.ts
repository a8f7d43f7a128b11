import { labVariable } from "@dockershim/testing";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { PullProgress } from "../src/index.js";
import { type LabEngine, openLabEngine } from "./lab-engine.js";
import { startTricklingRegistry } from "./trickling-registry.js";

let lab: LabEngine;

beforeAll(() => {
  lab = openLabEngine();
});

afterAll(() => lab.end());

describe("images that the engine has", () => {
  test("are listed and inspected by name, id and part of it", async () => {
    const { images } = lab.client;
    const inspected = await images.inspect(lab.image);
    expect(inspected).toMatchObject({
      Id: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      Os: "linux",
      RepoTags: expect.arrayContaining([lab.image]),
      RootFS: { Type: "layers", Layers: [expect.any(String)] },
    });
    expect(inspected.Size).toBeGreaterThan(0);
    expect((await images.inspect(inspected.Id)).Id).toBe(inspected.Id);
    const listed = await images.list({ filters: { reference: [lab.image] } });
    expect(listed).toMatchObject([{ Id: inspected.Id }]);
    expect((await images.history(lab.image)).length).toBeGreaterThan(0);
  });

  test("are tagged, saved, removed and loaded", async () => {
    const { images } = lab.client;
    const repo = `test.invalid/${lab.uniqueName()}`;
    await images.tag(lab.image, { repo, tag: "v1" });
    const { Id } = await images.inspect(`${repo}:v1`);
    const chunks: Buffer[] = [];
    for await (const chunk of await images.save([`${repo}:v1`])) chunks.push(chunk as Buffer);
    expect(await images.remove(`${repo}:v1`)).toEqual(
      expect.arrayContaining([{ Untagged: `${repo}:v1` }]),
    );
    await expect(images.inspect(`${repo}:v1`)).rejects.toMatchObject({
      code: "not_found",
      engineMessage: expect.stringContaining(`${repo}:v1`),
    });
    expect(await images.load(Buffer.concat(chunks))).toEqual([`${repo}:v1`]);
    expect((await images.inspect(`${repo}:v1`)).Id).toBe(Id);
    await images.remove(`${repo}:v1`);
  });

  test("that a container uses are not removed by id", async () => {
    const { Id } = await lab.client.images.inspect(lab.image);
    await lab.startSleeping();
    await expect(lab.client.images.remove(Id)).rejects.toMatchObject({ code: "conflict" });
  });

  test("come from a tar only: anything else is refused", async () => {
    await expect(lab.client.images.load(Buffer.alloc(4096, "no tar"))).rejects.toMatchObject({
      name: "DockerError",
      operation: "images.load",
    });
  });
});

describe("a pull", () => {
  test("brings the image and reports progress", async () => {
    const reference = labVariable("LAB_REGISTRY_IMAGE");
    const { images } = lab.client;
    await images.remove(reference, { force: true }).catch(() => undefined);
    const progress: PullProgress[] = [];
    await images.pull(reference, { onProgress: (line) => progress.push(line) });
    expect(progress.at(-1)?.status).toMatch(/^Status: Downloaded newer image/);
    const { RepoDigests } = await images.inspect(reference);
    const digest = RepoDigests?.[0] ?? "";
    expect(digest).toMatch(/@sha256:/);
    progress.length = 0;
    await images.pull(digest, { onProgress: (line) => progress.push(line) });
    expect(progress.at(-1)?.status).toMatch(/^Status: Image is up to date/);
    await images.remove(reference, { force: true });
  });

  test.each(["/lab/no-such-image:1", "/lab/busybox-static:no-such-tag"])(
    "of %s, which the registry lacks, is not found",
    async (path) => {
      await expect(
        lab.client.images.pull(labVariable("LAB_REGISTRY") + path),
      ).rejects.toMatchObject({ code: "not_found", engineMessage: expect.stringMatching(/\S/) });
    },
  );

  test("needs the right password, and tells a wrong one", async () => {
    const registry = labVariable("LAB_AUTH_REGISTRY");
    const reference = labVariable("LAB_REGISTRY_IMAGE").replace(
      labVariable("LAB_REGISTRY"),
      registry,
    );
    const { images } = lab.client;
    const username = labVariable("LAB_AUTH_USERNAME");
    const password = labVariable("LAB_AUTH_PASSWORD");
    await expect(images.pull(reference)).rejects.toMatchObject({ code: "unauthorized" });
    await expect(
      images.pull(reference, { auth: { username, password: "wrong", serveraddress: registry } }),
    ).rejects.toMatchObject({ code: "unauthorized" });
    const auth = Buffer.from(`${username}:${password}`).toString("base64");
    await images.pull(reference, { auth: { auth } });
    await images.remove(reference, { force: true });
  });

  test("from a registry that is down says so", async () => {
    await expect(lab.client.images.pull("127.0.0.1:9/nobody/there:1")).rejects.toMatchObject({
      code: "registry_unavailable",
      engineMessage: expect.stringContaining("connection refused"),
    });
  });

  test("that is aborted makes the engine drop its download", async () => {
    const controller = new AbortController();
    const registry = await startTricklingRegistry();
    const outcome = lab.client.images.pull(`127.0.0.1:${registry.port}/slow/image:1`, {
      signal: controller.signal,
    });
    outcome.catch(() => undefined);
    await registry.downloading;
    controller.abort();
    await expect(outcome).rejects.toMatchObject({ code: "canceled" });
    await registry.dropped;
    await registry.close();
  });

  test("of nonsense is an invalid argument", async () => {
    await expect(lab.client.images.pull("Not/A/Reference")).rejects.toMatchObject({
      code: "invalid_argument",
    });
  });
});
