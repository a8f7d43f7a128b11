import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createHarness, type Harness, lab } from "./harness.js";

describe("images on a real engine", () => {
  let h: Harness;
  beforeAll(async () => {
    h = await createHarness();
  });
  afterAll(() => h.close());

  const spec = (image: string) => ({ image: { image } });

  test("a pulled image has one id everywhere, and goes with all its names", async () => {
    const image = lab("LAB_REGISTRY_IMAGE");
    const { imageRef } = await h.cri.image.pullImage(spec(image));
    const status = await h.cri.image.imageStatus(spec(image));
    expect(status.image?.id).toBe(imageRef);
    expect(status.image?.repoTags).toContain(image);
    expect(status.image?.size).toBeGreaterThan(0n);
    const listed = await h.cri.image.listImages({});
    expect(listed.images.map(({ id }) => id)).toContain(imageRef);
    const { containerId } = await h.runPod(undefined, { ...h.containerConfig(), image: { image } });
    const container = await h.cri.runtime.containerStatus({ containerId });
    expect(container.status?.imageRef).toBe(imageRef);
    await expect(h.cri.image.removeImage(spec(image))).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
    });
    await h.cri.runtime.removeContainer({ containerId });
    await h.cri.image.removeImage(spec(image));
    expect((await h.cri.image.imageStatus(spec(image))).image).toBeUndefined();
    await h.cri.image.removeImage(spec(image));
  });

  test("a registry that asks for a password gets the one of the request", async () => {
    const image = lab("LAB_REGISTRY_IMAGE").replace(lab("LAB_REGISTRY"), lab("LAB_AUTH_REGISTRY"));
    await expect(h.cri.image.pullImage(spec(image))).rejects.toThrow();
    const auth = { username: lab("LAB_AUTH_USERNAME"), password: lab("LAB_AUTH_PASSWORD") };
    const { imageRef } = await h.cri.image.pullImage({ ...spec(image), auth });
    expect(imageRef).toMatch(/^sha256:/);
    await h.cri.image.removeImage(spec(image));
  });

  test("an image that no registry has is an error with the registry's reason", async () => {
    const image = `${lab("LAB_REGISTRY")}/no/such:thing`;
    await expect(h.cri.image.pullImage(spec(image))).rejects.toMatchObject({
      code: expect.stringMatching(/NOT_FOUND|UNKNOWN|INTERNAL/),
      message: expect.stringMatching(/not found|unknown/i),
    });
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
