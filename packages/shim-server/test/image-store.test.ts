import { once } from "node:events";
import { DockerError, type ImageInspect, type ImageSummary } from "@dockershim/docker-client";
import { until } from "@dockershim/testing";
import { describe, expect, test } from "@jest/globals";
import { pino } from "pino";
import { verboseImageInfo } from "../src/image/image-verbose.js";
import { createLayerUsage } from "../src/image/layer-usage.js";
import { createImageStore } from "../src/state/image-store.js";

const log = pino({ level: "silent" });
const id = (digit: string) => `sha256:${digit.repeat(64)}`;

/** An engine's images: what it lists, and what it inspects. */
function fakeImages() {
  const listed = new Map<string, ImageSummary>();
  const inspects: string[] = [];
  return {
    inspects,
    put(imageId: string, tags: string[] | null, digests: string[] | null = null) {
      listed.set(imageId, {
        Id: imageId,
        RepoTags: tags,
        RepoDigests: digests,
        Size: 2000,
      } as ImageSummary);
    },
    remove: (imageId: string) => listed.delete(imageId),
    docker: {
      list: async () => [...listed.values()],
      async inspect(reference: string) {
        inspects.push(reference);
        const image = [...listed.values()].find(
          ({ Id, RepoTags }) => Id === reference || RepoTags?.includes(reference),
        );
        if (image === undefined) {
          throw new DockerError({
            code: "not_found",
            operation: "images.inspect",
            engineMessage: "No such image",
          });
        }
        const { Id, RepoTags, RepoDigests } = image;
        return { Id, RepoTags, RepoDigests, Size: 1000, Config: {} } as ImageInspect;
      },
    },
  };
}

describe("the store of images", () => {
  test("finds an image by id, by each tag and by each digest, whatever form they have", async () => {
    const engine = fakeImages();
    engine.put(id("a"), ["busybox:1", "r.example:5000/x/busybox:2"], [`busybox@${id("d")}`]);
    const store = createImageStore({ images: engine.docker, log });
    await store.refresh();
    for (const reference of [
      id("a"),
      "a".repeat(64),
      "busybox:1",
      "docker.io/library/busybox:1",
      "r.example:5000/x/busybox:2",
      `busybox@${id("d")}`,
      `docker.io/library/busybox:1@${id("d")}`,
    ]) {
      expect(store.find(reference)?.Id).toBe(id("a"));
    }
    expect(store.find("busybox")).toBeUndefined();
  });

  test("reads an image again only when the list says something else of it", async () => {
    const engine = fakeImages();
    engine.put(id("a"), ["a:1"], ["<none>@<none>"]);
    engine.put(id("b"), null);
    const store = createImageStore({ images: engine.docker, log });
    await store.refresh();
    await store.refresh();
    expect(engine.inspects.sort()).toEqual([id("a"), id("b")]);
    engine.put(id("a"), ["a:1", "a:2"]);
    await store.refresh();
    expect(engine.inspects).toHaveLength(3);
    expect(store.find("a:2")?.Id).toBe(id("a"));
    engine.remove(id("a"));
    await store.refresh();
    expect(store.get(id("a"))).toBeUndefined();
    expect([...store.all()].map(({ Id }) => Id)).toEqual([id("b")]);
  });

  test("shows plain names and the size on the disk", async () => {
    const engine = fakeImages();
    const digest = `r/a@${id("d")}`;
    engine.put(id("a"), ["<none>:<none>", digest], ["<none>@<none>", digest, digest]);
    const store = createImageStore({ images: engine.docker, log });
    await store.refresh();
    expect(store.get(id("a"))).toMatchObject({
      RepoTags: [],
      RepoDigests: [`r/a@${id("d")}`],
      Size: 2000,
    });
  });

  test("is not disturbed by an image that goes while the engine lists", async () => {
    const engine = fakeImages();
    engine.put(id("a"), ["a:1"]);
    let lists = 0;
    const images = {
      ...engine.docker,
      async list() {
        if (++lists < 3) {
          const engineMessage = "NotFound: content digest sha256:0: not found";
          throw new DockerError({ code: "not_found", operation: "images.list", engineMessage });
        }
        return await engine.docker.list();
      },
    };
    const store = createImageStore({ images, log });
    await store.refresh();
    expect(store.find("a:1")?.Id).toBe(id("a"));
  });

  test.each([
    ["hangs", "deadline_exceeded"],
    ["fails", "server_error"],
  ] as const)("an image whose inspect %s keeps no other from being known", async (_how, code) => {
    const engine = fakeImages();
    engine.put(id("a"), ["a:1"]);
    engine.put(id("b"), ["b:1"]);
    let broken = true;
    const images = {
      ...engine.docker,
      async inspect(reference: string, { signal }: { signal?: AbortSignal | undefined } = {}) {
        if (!broken || reference === id("b")) return await engine.docker.inspect(reference);
        if (code === "deadline_exceeded" && signal !== undefined) await once(signal, "abort");
        throw new DockerError({ code, operation: "images.inspect", engineMessage: "stuck" });
      },
    };
    const store = createImageStore({
      images,
      log,
      readDeadlineMs: 50,
      retryMs: { firstMs: 10, mostMs: 50 },
    });
    await store.refresh();
    expect(store.find("b:1")).toMatchObject({ Config: {} });
    // What it is the list tells, and not whose user its processes have.
    expect([...store.all()].map(({ Id }) => Id).sort()).toEqual([id("a"), id("b")]);
    expect(store.find("a:1")).toMatchObject({ Id: id("a"), Size: 2000 });
    expect(store.unread).toBe(1);
    expect(store.unreadNames()).toEqual(["a:1"]);
    const signal = AbortSignal.timeout(50);
    await expect(store.resolve("a:1", signal)).rejects.toMatchObject({ code });
    broken = false;
    await until(() => store.unread === 0);
    expect((await store.resolve("a:1"))?.Id).toBe(id("a"));
    expect(store.get(id("a"))?.Config).toEqual({});
    store.close();
  });

  test("asks the engine for what it does not know, and takes its no for an answer", async () => {
    const engine = fakeImages();
    const store = createImageStore({ images: engine.docker, log });
    await store.refresh();
    engine.put(id("c"), ["new:1"]);
    expect((await store.resolve("new:1"))?.Id).toBe(id("c"));
    expect(await store.resolve("gone:1")).toBeUndefined();
  });
});

test("verbose info has config, labels and history as an OCI image config has them", () => {
  const image = {
    Id: id("a"),
    Architecture: "amd64",
    Os: "linux",
    Created: "2026-01-02T03:04:05Z",
    Config: { Labels: { l: "1" }, Cmd: ["sh"] },
    RootFS: { Type: "layers", Layers: [id("1"), id("2")] },
  } as unknown as ImageInspect;
  const entry = (CreatedBy: string) => ({
    Id: "<missing>",
    Created: 1767323045,
    CreatedBy,
    Tags: null,
    Size: 1,
    Comment: "",
  });
  expect(verboseImageInfo(image, [entry("second"), entry("first")])).toEqual({
    imageSpec: {
      created: "2026-01-02T03:04:05Z",
      architecture: "amd64",
      os: "linux",
      config: { Labels: { l: "1" }, Cmd: ["sh"] },
      rootfs: { type: "layers", diff_ids: [id("1"), id("2")] },
      history: [
        { created: "2026-01-02T03:04:05.000Z", created_by: "first" },
        { created: "2026-01-02T03:04:05.000Z", created_by: "second" },
      ],
    },
    docker: { Id: id("a") },
  });
});

describe("the usage of image layers", () => {
  test("is asked of the engine once for many callers, and kept", async () => {
    let asked = 0;
    const diskUsage = async () => ({ LayersSize: ++asked * 1000 });
    const usage = createLayerUsage({ docker: { diskUsage }, images: { version: 1 } });
    expect(usage.last()).toBeUndefined();
    const all = await Promise.all([usage.get(), usage.get(), usage.get()]);
    expect(all.map(({ bytes }) => bytes)).toEqual([1000n, 1000n, 1000n]);
    expect((await usage.get()).bytes).toBe(1000n);
    expect(usage.last()?.bytes).toBe(1000n);
    expect(asked).toBe(1);
  });

  test.each([
    ["before API 1.52", { LayersSize: 7 }, 7n],
    ["in API 1.52, which tells it twice", { LayersSize: 7, ImageUsage: { TotalSize: 7 } }, 7n],
    ["since API 1.53", { ImageUsage: { TotalSize: 7 } }, 7n],
    ["of an engine without images", { ImageUsage: {} }, 0n],
  ])("is read where the engine tells it %s", async (_, reply, bytes) => {
    const diskUsage = async () => reply;
    const usage = createLayerUsage({ docker: { diskUsage }, images: { version: 1 } });
    expect((await usage.get()).bytes).toBe(bytes);
  });

  test("that could not be had fails once and is asked again", async () => {
    let asked = 0;
    const diskUsage = async () => {
      if (++asked === 1) throw new Error("a disk usage operation is already running");
      return { LayersSize: 7 };
    };
    const usage = createLayerUsage({ docker: { diskUsage }, images: { version: 1 } });
    await expect(usage.get()).rejects.toThrow("already running");
    expect((await usage.get()).bytes).toBe(7n);
  });
});
