import { randomBytes } from "node:crypto";
import { labVariable } from "@dockershim/testing";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { createHarness, type Harness } from "./harness.js";
import { type PushedImage, pushImage } from "./registry-image.js";
import {
  asksFor,
  bearerAuth,
  blobOf,
  challenge,
  type RegistryProxy,
  startRegistryProxy,
} from "./registry-proxy.js";

/** Long against the pauses of a healthy pull on a busy machine, short for whoever runs this. */
const deadlineMs = 3_000;

describe("pulls from a registry with troubles", () => {
  let h: Harness;
  let proxy: RegistryProxy;
  let image: PushedImage;
  let reference: string;
  const upstream = labVariable("LAB_REGISTRY");

  beforeAll(async () => {
    h = await createHarness({ imagePullProgressDeadlineMs: deadlineMs });
    proxy = await startRegistryProxy({ upstream });
  });
  afterAll(async () => {
    await proxy.close();
    await h.close();
  });

  /** A new image for each test: the engine keeps layers that it has. */
  async function newImage(layers = [randomBytes(400_000)]): Promise<void> {
    const repository = `pulls/${randomBytes(6).toString("hex")}`;
    image = await pushImage(upstream, repository, "1", { layers });
    reference = `${proxy.address}/${repository}:1`;
    proxy.behaviour = (_request, _response, pass) => pass();
  }
  afterEach(async () => {
    proxy.behaviour = (_request, _response, pass) => pass();
    await h.cri.image.removeImage({ image: { image: reference } });
  });

  const spec = () => ({ image: { image: reference } });
  const pull = (more = {}, options = {}) => h.cri.image.pullImage({ ...spec(), ...more }, options);
  const count = (pattern: RegExp | string) =>
    proxy.requests.filter((request) => request.match(pattern)).length;

  /** Holds the layer back; resolves `asked` when it is asked for. */
  function holdLayer(only?: (authorization: string | undefined) => boolean) {
    const asked = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    const inner = proxy.behaviour;
    proxy.behaviour = async (request, response, pass) => {
      const held = only === undefined || only(request.headers.authorization);
      if (asksFor(request, image.layerDigests[0]) && held) {
        response.on("close", gone.resolve);
        asked.resolve();
        await release.promise;
      }
      await inner(request, response, pass);
    };
    return { asked: asked.promise, release: release.resolve, gone: gone.promise };
  }

  test("ten at once of one image are one transfer", async () => {
    await newImage();
    const before = count(/manifests/);
    const held = holdLayer();
    const pulls = Array.from({ length: 10 }, () => pull());
    await held.asked;
    expect((await h.cri.image.imageStatus(spec())).image).toBeUndefined();
    const manifestsOfOne = count(/manifests/) - before;
    held.release();
    const ids = new Set((await Promise.all(pulls)).map(({ imageRef }) => imageRef));
    expect(ids.size).toBe(1);
    expect(count(`GET .*${image.layerDigests[0]}`)).toBe(1);
    expect(count(/manifests/) - before).toBe(manifestsOfOne);
  });

  test("one caller's departure is not another's; with the last one the engine stops", async () => {
    await newImage([randomBytes(4_000_000)]);
    const asked = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    proxy.behaviour = async (request, response, pass) => {
      if (!asksFor(request, image.layerDigests[0])) return pass();
      const blob = await blobOf({ upstream }, request);
      response.writeHead(200, { "content-length": blob.length });
      let at = 0;
      // Engines with a graph driver notice only with the next bytes that nobody wants them.
      const trickle = setInterval(() => response.write(blob.subarray(at, ++at)), 5);
      response.on("close", () => {
        clearInterval(trickle);
        gone.resolve();
      });
      asked.resolve();
    };
    const [first, second] = [new AbortController(), new AbortController()];
    const firstPull = pull({}, { signal: first.signal });
    const secondPull = pull({}, { signal: second.signal });
    firstPull.catch(() => undefined);
    secondPull.catch(() => undefined);
    await asked.promise;
    first.abort();
    await expect(firstPull).rejects.toMatchObject({ code: "CANCELLED" });
    const outcome = await Promise.race([
      gone.promise.then(() => "stopped"),
      h.cri.image.listImages({}).then(() => "runs"),
    ]);
    expect(outcome).toBe("runs");
    second.abort();
    await expect(secondPull).rejects.toMatchObject({ code: "CANCELLED" });
    await gone.promise;
  });

  test("with other credentials do not share a result", async () => {
    await newImage();
    proxy.behaviour = bearerAuth(proxy, { password: "right:one" });
    const held = holdLayer();
    const good = pull({ auth: { username: "right", password: "one" } });
    await held.asked;
    for (const auth of [{ username: "wrong", password: "one" }, undefined]) {
      await expect(pull({ auth })).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    }
    held.release();
    expect((await good).imageRef).toMatch(/^sha256:/);
    // Having the image is no reason to give it to everybody.
    await expect(pull()).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  test.each([
    ["username and password", { username: "u", password: "p:w" }],
    ["auth", { auth: Buffer.from("u:p:w").toString("base64") }],
    ["an identity token", { identityToken: "refresh" }],
    ["a registry token", { registryToken: "bearer" }],
  ])("take %s for a registry with a token server", async (_form, auth) => {
    await newImage();
    proxy.behaviour = bearerAuth(proxy, {
      password: "u:p:w",
      refreshToken: "refresh",
      registryToken: "bearer",
    });
    await expect(pull()).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    const elsewhere = { ...auth, serverAddress: "https://other.example" };
    const seen = proxy.authorizations.length;
    await expect(pull({ auth: elsewhere })).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    expect(proxy.authorizations.slice(seen).join()).not.toMatch(/Basic|bearer/);
    const { imageRef } = await pull({ auth: { ...auth, serverAddress: proxy.address } });
    expect((await h.cri.image.imageStatus(spec())).image?.id).toBe(imageRef);
  });

  test("that stall are given up, and can be made up for", async () => {
    await newImage();
    const inner = proxy.behaviour;
    proxy.behaviour = async (request, response, pass) => {
      if (!asksFor(request, image.layerDigests[0])) return inner(request, response, pass);
      const blob = await blobOf({ upstream }, request);
      response.writeHead(200, { "content-length": blob.length });
      response.write(blob.subarray(0, 1000));
    };
    await expect(pull()).rejects.toMatchObject({
      code: "DEADLINE_EXCEEDED",
      message: expect.stringMatching(/made no progress for 3 s; the last was: .*\w/),
    });
    proxy.behaviour = inner;
    expect((await pull()).imageRef).toMatch(/^sha256:/);
  });

  test("that never hear from the registry are given up as well", async () => {
    await newImage();
    proxy.behaviour = () => undefined;
    await expect(pull()).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  });

  test("that are slow but go on are left to finish, beyond the deadline", async () => {
    // With the containerd image store the engine sees progress by the MiB.
    await newImage([randomBytes(16_000_000)]);
    proxy.behaviour = async (request, response, pass) => {
      if (!asksFor(request, image.layerDigests[0])) return pass();
      const blob = await blobOf({ upstream }, request);
      response.writeHead(200, { "content-length": blob.length });
      const pieces = 8;
      const size = Math.ceil(blob.length / pieces);
      for (let at = 0; at < blob.length; at += size) {
        response.write(blob.subarray(at, at + size));
        await new Promise((resolve) => setTimeout(resolve, deadlineMs / 6));
      }
      response.end();
    };
    expect((await pull()).imageRef).toMatch(/^sha256:/);
  });

  test.each<[string, number, object, string, RegExp]>([
    ["is broken", 503, {}, "UNKNOWN", /RegistryUnavailable: .*503/],
    [
      "is overrun",
      429,
      { errors: [{ code: "TOOMANYREQUESTS", message: "rate exceeded" }] },
      "UNKNOWN",
      /RegistryUnavailable: .*(rate exceeded|429)/,
    ],
    [
      "denies it",
      403,
      { errors: [{ code: "DENIED", message: "access denied" }] },
      "PERMISSION_DENIED",
      /denied|403/i,
    ],
    [
      "does not have it",
      404,
      { errors: [{ code: "MANIFEST_UNKNOWN", message: "manifest unknown" }] },
      "NOT_FOUND",
      /manifest unknown|not found/,
    ],
  ])("from a registry that %s fail with its reason", async (_case, status, body, code, reason) => {
    await newImage();
    proxy.behaviour = async (request, response, pass) => {
      if (request.url === "/v2/") return pass();
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    };
    await expect(pull()).rejects.toMatchObject({ code, message: expect.stringMatching(reason) });
  });

  test("from an address where no registry is fail with that reason", async () => {
    await newImage();
    const other = await startRegistryProxy({ upstream });
    const gone = reference.replace(proxy.address, other.address);
    await other.close();
    await expect(h.cri.image.pullImage({ image: { image: gone } })).rejects.toMatchObject({
      code: "UNKNOWN",
      message: expect.stringMatching(/RegistryUnavailable: .*connection refused/),
    });
  });

  test("of a layer that is not what it should be fail, and nothing of it stays", async () => {
    await newImage();
    proxy.behaviour = async (request, response, pass) => {
      if (!asksFor(request, image.layerDigests[0])) return pass();
      const blob = await blobOf({ upstream }, request);
      blob.fill(0, 1000, 2000);
      response.writeHead(200, { "content-length": blob.length });
      response.end(blob);
    };
    await expect(pull()).rejects.toMatchObject({
      code: "INTERNAL",
      message: expect.stringMatching(/verification failed|unexpected commit digest/),
    });
    expect((await h.cri.image.imageStatus(spec())).image).toBeUndefined();
  });

  test("from a registry that asks for a password tell a wrong one from a right one", async () => {
    await newImage();
    const right = `Basic ${Buffer.from("u:p").toString("base64")}`;
    proxy.behaviour = (request, response, pass) =>
      request.headers.authorization === right
        ? pass()
        : challenge(response, 'Basic realm="registry"');
    await expect(pull({ auth: { username: "u", password: "x" } })).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
    });
    expect((await pull({ auth: { username: "u", password: "p" } })).imageRef).toMatch(/^sha256:/);
  });
});
