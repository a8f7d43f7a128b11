import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { ImageFsInfoResponseSchema } from "@dockershim/cri-types";
import { expect, test } from "@jest/globals";
import { createImageFsInfo, type ImageFsInfoParts } from "../src/image/image-fs-info.js";

test("ImageFsInfo waits for the engine's first figure alone, and tells the same either way", async () => {
  const root = mkdtempSync(join(tmpdir(), "image-fs-"));
  const answer = Promise.withResolvers<{ LayersSize: number }>();
  const { handler, hot } = createImageFsInfo({
    docker: { diskUsage: () => answer.promise },
    engine: { known: () => ({ info: { DockerRootDir: root, Driver: "overlay2" } }) },
    images: { version: 1 },
  } as unknown as ImageFsInfoParts);
  expect(hot.when?.()).toBe(false);
  const first = handler();
  answer.resolve({ LayersSize: 4096 });
  const { imageFilesystems, containerFilesystems } = await first;
  expect(imageFilesystems).toMatchObject([
    { fsId: { mountpoint: root }, usedBytes: { value: 4096n } },
  ]);
  expect(hot.when?.()).toBe(true);
  const [bytes = new Uint8Array()] = await hot.reply(new Uint8Array());
  const encoded = fromBinary(ImageFsInfoResponseSchema, bytes);
  for (const told of [encoded.imageFilesystems, encoded.containerFilesystems]) {
    expect(told).toHaveLength(1);
    expect(told[0]?.fsId?.mountpoint).toBe(root);
    expect(told[0]?.usedBytes?.value).toBe(4096n);
    expect(told[0]?.timestamp).toBe(imageFilesystems[0]?.timestamp);
    expect(told[0]?.inodesUsed?.value).toBeGreaterThan(0n);
  }
  expect(containerFilesystems).toEqual(imageFilesystems);
  rmSync(root, { recursive: true });
});
