import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { labVariable, until } from "@dockershim/testing";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createHarness, type Harness } from "./harness.js";
import { pushImage } from "./registry-image.js";
import { startRegistryProxy } from "./registry-proxy.js";

describe("images on a real engine", () => {
  let h: Harness;
  beforeAll(async () => {
    h = await createHarness();
  });
  afterAll(() => h.close());

  const spec = (image: string) => ({ image: { image } });

  /** Pushes a new small image; returns its repository and digest. */
  async function push(more: Partial<Parameters<typeof pushImage>[3]> = {}) {
    const repository = `images/${randomBytes(6).toString("hex")}`;
    const layers = [randomBytes(1000)];
    const pushed = await pushImage(labVariable("LAB_REGISTRY"), repository, "1", {
      layers,
      ...more,
    });
    return { repository, digest: pushed.digest };
  }

  const status = async (image: string) => (await h.cri.image.imageStatus(spec(image))).image;

  test("a pulled image has one id everywhere, and is kept while a container needs it", async () => {
    const { repository, digest } = await push();
    const image = `${labVariable("LAB_REGISTRY")}/${repository}:1`;
    const { imageRef } = await h.cri.image.pullImage(spec(image));
    expect(await status(image)).toMatchObject({ id: imageRef, repoTags: [image] });
    expect((await status(image))?.size).toBeGreaterThan(0n);
    const listed = await h.cri.image.listImages({});
    expect(listed.images.map(({ id }) => id)).toContain(imageRef);
    const config = h.sandboxConfig();
    const { podSandboxId } = await h.cri.runtime.runPodSandbox({ config });
    const { containerId } = await h.cri.runtime.createContainer({
      podSandboxId,
      sandboxConfig: config,
      config: h.containerConfig({ image: { image } }),
    });
    const container = await h.cri.runtime.containerStatus({ containerId });
    // The kubelet shows it as the container's imageID, by which it can be pulled elsewhere.
    const digested = `${labVariable("LAB_REGISTRY")}/${repository}@${digest}`;
    const used = { imageRef: digested, imageId: imageRef, image: { image } };
    expect(container.status).toMatchObject(used);
    const { containers } = await h.cri.runtime.listContainers({ filter: { id: containerId } });
    expect(containers).toMatchObject([used]);
    await expect(h.cri.image.removeImage(spec(image))).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
      message: expect.stringContaining(containerId.slice(0, 12)),
    });
    expect(await status(image)).toMatchObject({ id: imageRef, repoTags: [image] });
    await h.cri.runtime.removeContainer({ containerId });
    await h.cri.image.removeImage(spec(image));
    expect(await status(image)).toBeUndefined();
    await h.cri.image.removeImage(spec(image));
  });

  test("a registry that asks for a password gets the one of the request", async () => {
    const { repository } = await push();
    const image = `${labVariable("LAB_AUTH_REGISTRY")}/${repository}:1`;
    const [username, password] = [
      labVariable("LAB_AUTH_USERNAME"),
      labVariable("LAB_AUTH_PASSWORD"),
    ];
    for (const auth of [undefined, { username, password: "wrong" }]) {
      await expect(h.cri.image.pullImage({ ...spec(image), auth })).rejects.toMatchObject({
        code: "UNAUTHENTICATED",
      });
    }
    const auth = { username, password };
    const { imageRef } = await h.cri.image.pullImage({ ...spec(image), auth });
    expect(imageRef).toMatch(/^sha256:/);
    await h.cri.image.removeImage(spec(image));
  });

  test("an image that no registry has is an error with the registry's reason", async () => {
    const image = `${labVariable("LAB_REGISTRY")}/no/such:thing`;
    await expect(h.cri.image.pullImage(spec(image))).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringMatching(/not found|unknown/i),
    });
  });

  test.each([false, true])(
    "an image has one id by tag, by digest and by both, in an index or not (%s)",
    async (index) => {
      const { repository, digest } = await push({ index, user: "1002:50", labels: { who: "me" } });
      const name = `${labVariable("LAB_REGISTRY")}/${repository}`;
      const references = [`${name}:1`, `${name}@${digest}`, `${name}:1@${digest}`];
      const ids = new Set<string>();
      for (const reference of references) {
        ids.add((await h.cri.image.pullImage(spec(reference))).imageRef);
      }
      for (const reference of references) ids.add((await status(reference))?.id ?? "none");
      expect([...ids]).toEqual([expect.stringMatching(/^sha256:[0-9a-f]{64}$/)]);
      const [id = ""] = ids;
      const { images } = await h.cri.image.listImages({});
      expect(images.filter((image) => image.repoTags.includes(`${name}:1`))).toMatchObject([
        { id, repoTags: [`${name}:1`], repoDigests: [`${name}@${digest}`], pinned: false },
      ]);
      expect(await status(id)).toMatchObject({ uid: { value: 1002n }, username: "" });
      const { info } = await h.cri.image.imageStatus({ ...spec(id), verbose: true });
      expect(JSON.parse(info.info ?? "")).toMatchObject({
        imageSpec: {
          config: { Labels: { who: "me" }, User: "1002:50", Cmd: ["/bin/true"] },
          history: [{ created_by: "made layer 0" }],
        },
      });
      await h.cri.image.removeImage(spec(`${name}@${digest}`));
      for (const reference of [id, ...references]) expect(await status(reference)).toBeUndefined();
    },
  );

  test("an image of several registries is one image, which goes with all its names", async () => {
    const { repository, digest } = await push();
    const [one, two] = [
      await startRegistryProxy({ upstream: labVariable("LAB_REGISTRY") }),
      await startRegistryProxy({ upstream: labVariable("LAB_REGISTRY") }),
    ];
    const names = [one, two].map(({ address }) => `${address}/${repository}`);
    const tags = names.map((name) => `${name}:1`);
    const pulled = [];
    for (const tag of tags) pulled.push((await h.cri.image.pullImage(spec(tag))).imageRef);
    const byDigest = `${labVariable("LAB_REGISTRY")}/${repository}@${digest}`;
    pulled.push((await h.cri.image.pullImage(spec(byDigest))).imageRef);
    await one.close();
    await two.close();
    const [id = ""] = pulled;
    expect(new Set(pulled).size).toBe(1);
    expect((await status(id))?.repoTags.toSorted()).toEqual(tags.toSorted());
    expect((await status(id))?.repoDigests.toSorted()).toEqual(
      [...names.map((name) => `${name}@${digest}`), byDigest].toSorted(),
    );

    const { Id: user } = await h.docker.containers.create({ Image: id, Labels: {} });
    try {
      for (const reference of [id, ...tags, byDigest]) {
        await expect(h.cri.image.removeImage(spec(reference))).rejects.toMatchObject({
          code: "FAILED_PRECONDITION",
        });
      }
      expect((await status(id))?.repoTags).toHaveLength(2);
      expect((await status(id))?.repoDigests).toHaveLength(3);
    } finally {
      await h.docker.containers.remove(user, { force: true });
    }
    await h.cri.image.removeImage(spec(tags[1] ?? ""));
    for (const reference of [id, ...tags, byDigest]) {
      expect(await status(reference)).toBeUndefined();
    }
    await h.cri.image.removeImage(spec(id));
  });

  test("an image whose tag has moved on is listed without it, and can be removed", async () => {
    const { repository } = await push();
    const tag = `${labVariable("LAB_REGISTRY")}/${repository}:1`;
    const { imageRef: old } = await h.cri.image.pullImage(spec(tag));
    await pushImage(labVariable("LAB_REGISTRY"), repository, "1", { layers: [randomBytes(1000)] });
    const { imageRef: renewed } = await h.cri.image.pullImage(spec(tag));
    expect(renewed).not.toBe(old);
    const { images } = await h.cri.image.listImages({});
    // Docker 26 with the containerd image store forgets the old one at once, as it may.
    expect(images.find(({ id }) => id === old)?.repoTags ?? []).toEqual([]);
    expect(await status(tag)).toMatchObject({ id: renewed });
    await h.cri.image.removeImage(spec(old));
    expect(await status(old)).toBeUndefined();
    expect(await status(tag)).toMatchObject({ id: renewed });
    await h.cri.image.removeImage(spec(tag));
  });

  test("an image that somebody loads or removes behind our back comes and goes", async () => {
    const tag = `test.invalid/${randomBytes(6).toString("hex")}:1`;
    const [repo = ""] = tag.split(":");
    await h.docker.images.tag(labVariable("LAB_IMAGE"), { repo, tag: "1" });
    const listed = async () => (await h.cri.image.listImages({})).images;
    await until(async () => (await listed()).some(({ repoTags }) => repoTags.includes(tag)));
    await h.docker.images.remove(tag);
    await until(async () => !(await listed()).some(({ repoTags }) => repoTags.includes(tag)));
  });

  test("an image that was loaded from an archive runs, without any registry", async () => {
    const repo = `test.invalid/${randomBytes(6).toString("hex")}`;
    const image = `${repo}:1`;
    await h.docker.images.tag(labVariable("LAB_IMAGE"), { repo, tag: "1" });
    const chunks: Buffer[] = [];
    for await (const chunk of await h.docker.images.save([image])) chunks.push(chunk as Buffer);
    await h.docker.images.remove(image);
    await until(async () => (await status(image)) === undefined);
    expect(await h.docker.images.load(Buffer.concat(chunks))).toEqual([image]);
    const { containerId } = await h.runPod({}, { image: { image } });
    const container = await h.cri.runtime.containerStatus({ containerId });
    expect(container.status).toMatchObject({
      image: { image },
      imageId: (await status(image))?.id,
    });
    await h.cri.runtime.removeContainer({ containerId });
    // Its other name is the lab's.
    await h.docker.images.remove(image);
  });

  test("a registry whose certificate nobody vouches for is refused, until its CA is known", async () => {
    // Docker trusts 127.0.0.0/8 blindly, so the registry listens on the pods' bridge.
    await h.runPod();
    const host = labVariable("LAB_SUBNET").replace(/0\/\d+$/, "1");
    const [key, cert] = [join(h.dir, "key.pem"), join(h.dir, "cert.pem")];
    await promisify(execFile)("openssl", [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
      ...["-subj", "/CN=registry", "-addext", `subjectAltName=IP:${host}`, "-days", "2"],
      ...["-keyout", key, "-out", cert],
    ]);
    const tls = { key: await readFile(key, "utf8"), cert: await readFile(cert, "utf8") };
    const upstreamAuth = `${labVariable("LAB_AUTH_USERNAME")}:${labVariable("LAB_AUTH_PASSWORD")}`;
    const upstream = labVariable("LAB_AUTH_REGISTRY");
    const registry = await startRegistryProxy({ upstream, upstreamAuth, tls, host });
    const trusted = join("/etc/docker/certs.d", registry.address);
    const { repository } = await push();
    const image = `${registry.address}/${repository}:1`;
    try {
      await expect(h.cri.image.pullImage(spec(image))).rejects.toMatchObject({
        message: expect.stringContaining("x509"),
      });
      await mkdir(trusted, { recursive: true });
      await writeFile(join(trusted, "ca.crt"), tls.cert);
      const { imageRef } = await h.cri.image.pullImage(spec(image));
      expect(await status(image)).toMatchObject({ id: imageRef });
      await h.cri.image.removeImage(spec(image));
    } finally {
      await rm(trusted, { recursive: true, force: true });
      await registry.close();
    }
  });

  test("the pause image is pinned", async () => {
    await h.runPod();
    const { images } = await h.cri.image.listImages({});
    expect(images.filter(({ pinned }) => pinned)).toHaveLength(1);
  });

  test("the filesystem of images is one that exists, with a usage", async () => {
    const { imageFilesystems, containerFilesystems } = await h.cri.image.imageFsInfo({});
    expect(imageFilesystems[0]?.fsId?.mountpoint).toMatch(/^\//);
    expect(imageFilesystems[0]?.usedBytes?.value).toBeGreaterThan(0n);
    expect(containerFilesystems).toHaveLength(1);
  });
});
