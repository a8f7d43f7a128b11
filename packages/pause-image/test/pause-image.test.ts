import { readFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import { PauseImageError, pauseArchitecture, pauseImage } from "../src/index.js";
import { blobPath, digestOf, readArchive } from "./image-archive.js";

/** What tag 1.0 stands for: if these change, the tag has to change as well. */
const released = {
  amd64: {
    id: "sha256:89095a2b231d54f7adac29b839c91c5da7683e8dae48a5cf1df59183cc2c7772",
    manifestDigest: "sha256:21b05d8d86cf9af18eca1608cd654b4f826bd1f9295ba2e9accddbfa09675586",
  },
  arm64: {
    id: "sha256:11da897a3b13b04dd572bd0439f687d29fc90c3dcd1b87483bab18f339bdeda0",
    manifestDigest: "sha256:ae7f299ece19f256d9aa3ca322feda17c9b77af8dcfbfd401a1bbf77a5c3a48a",
  },
} as const;

describe.each(["amd64", "arm64"] as const)("the pause image for %s", (architecture) => {
  const image = pauseImage(architecture);
  const manifestOf = () =>
    JSON.parse(String(readArchive(image.tar, blobPath(image.manifestDigest))));
  const configOf = () => JSON.parse(String(readArchive(image.tar, blobPath(image.id))));

  it("has the name and the ids that its tag stands for", () => {
    expect(image.reference).toBe("dockershim/pause:1.0");
    expect(image.architecture).toBe(architecture);
    expect({ id: image.id, manifestDigest: image.manifestDigest }).toEqual(released[architecture]);
  });

  it("is the same bytes at every call", () => {
    expect(digestOf(pauseImage(architecture).tar)).toBe(digestOf(image.tar));
  });

  it("starts /pause as nobody, with no environment but PATH and the default stop signal", () => {
    const config = configOf();
    expect(config).toMatchObject({ architecture, os: "linux" });
    const { Labels, ...rest } = config.config;
    expect(rest).toEqual({ Entrypoint: ["/pause"], Env: ["PATH=/"], User: "65535:65535" });
    expect(Labels["org.opencontainers.image.title"]).toBe("dockershim pause");
  });

  it("holds one layer with this package's program and nothing else", () => {
    const [{ digest }] = manifestOf().layers;
    const layer = readArchive(image.tar, blobPath(digest));
    const program = readFileSync(new URL(`../bin/pause-${architecture}`, import.meta.url));
    expect(readArchive(layer, "pause").equals(program)).toBe(true);
    // A header, the content, and the end.
    expect(layer.length).toBe(512 + Math.ceil(program.length / 512) * 512 + 1024);
    expect(configOf().rootfs).toEqual({ type: "layers", diff_ids: [digest] });
  });

  it("names blobs by their digests, with true sizes, in the OCI index and in Docker's manifest", () => {
    const index = JSON.parse(String(readArchive(image.tar, "index.json")));
    const manifest = manifestOf();
    const blobs = [index.manifests[0], manifest.config, manifest.layers[0]];
    for (const { digest, size } of blobs) {
      const content = readArchive(image.tar, blobPath(digest));
      expect([digestOf(content), content.length]).toEqual([digest, size]);
    }
    expect(manifest.config.digest).toBe(image.id);
    expect(index.manifests[0].annotations["io.containerd.image.name"]).toBe(
      `docker.io/${image.reference}`,
    );
    expect(JSON.parse(String(readArchive(image.tar, "manifest.json")))).toEqual([
      {
        Config: blobPath(image.id),
        RepoTags: [image.reference],
        Layers: [blobPath(manifest.layers[0].digest)],
      },
    ]);
  });

  it("takes no more than 16 kB", () => {
    expect(image.tar.length).toBeLessThanOrEqual(16_384);
  });
});

describe("architectures", () => {
  it.each([
    ["amd64", "amd64"],
    ["x86_64", "amd64"],
    ["arm64", "arm64"],
    ["aarch64", "arm64"],
  ])("takes %s for %s", (name, architecture) => {
    expect(pauseArchitecture(name)).toBe(architecture);
    expect(pauseImage(name).architecture).toBe(architecture);
  });

  it.each(["riscv64", "", "AMD64", "../amd64"])("refuses %j with a typed error", (name) => {
    let thrown: unknown;
    try {
      pauseImage(name);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(PauseImageError);
    expect(thrown).toMatchObject({ code: "unsupported-architecture" });
    expect(String(thrown)).toContain(JSON.stringify(name));
  });
});
