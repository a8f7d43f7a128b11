import { create } from "@bufbuild/protobuf";
import { AuthConfigSchema, ImageSpecSchema, PullImageRequestSchema } from "@dockershim/cri-types";
import { describe, expect, test } from "@jest/globals";
import { createImagePull } from "../src/image/image-pull.js";
import { requireImage } from "../src/image/require-image.js";

const secret = "hostile-secret";

describe("credentials in the wrong place", () => {
  test.each([
    `user:${secret}@r.example/busybox:1`,
    `https://user:${secret}@r.example/busybox:1`,
    `user:${secret}@r.example:5000/a/b@sha256:${"a".repeat(64)}`,
  ])("of an image's reference are refused, and not quoted", (image) => {
    expect.assertions(3);
    try {
      requireImage(create(ImageSpecSchema, { image }));
    } catch (err) {
      expect(err).toMatchObject({ code: "invalid_argument" });
      expect((err as Error).message).toContain("image.image");
      expect((err as Error).message).not.toContain(secret);
    }
  });

  test.each(["busybox", "r.example:5000/a/b:1", `r.example/a@sha256:${"a".repeat(64)}`])(
    "are not seen in %s",
    (image) => {
      expect(requireImage(create(ImageSpecSchema, { image }))).toBe(image);
    },
  );

  test("of a server's address are not logged, and the server is still known by its host", async () => {
    const lines: string[] = [];
    const used: unknown[] = [];
    const pull = createImagePull({
      pull: async (_reference, auth) => {
        used.push(auth);
        return { Id: "sha256:x" } as never;
      },
      log: { warn: (...line: unknown[]) => void lines.push(JSON.stringify(line)) } as never,
    });
    const call = { signal: new AbortController().signal };
    for (const host of ["other.example", "r.example"]) {
      const serverAddress = `https://user:${secret}@${host}/v1/`;
      const auth = create(AuthConfigSchema, { username: "u", password: "p", serverAddress });
      const image = create(ImageSpecSchema, { image: "r.example/a:1" });
      await pull(create(PullImageRequestSchema, { image, auth }), call);
    }
    expect(used).toMatchObject([undefined, { username: "u" }]);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("other.example");
    expect(lines[0]).not.toContain(secret);
  });
});
