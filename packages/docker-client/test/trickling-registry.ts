import { createHash } from "node:crypto";
import { createServer } from "node:http";

/** A registry with one image, whose layer trickles in for ever. */
export interface TricklingRegistry {
  port: number;
  /** Resolves when the layer is being downloaded. */
  downloading: Promise<void>;
  /** Resolves when the download was given up by the other side. */
  dropped: Promise<void>;
  close(): Promise<void>;
}

export async function startTricklingRegistry(): Promise<TricklingRegistry> {
  const layerDigest = digestOf(Buffer.from("never seen"));
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === "x64" ? "amd64" : process.arch,
      os: "linux",
      config: {},
      rootfs: { type: "layers", diff_ids: [layerDigest] },
    }),
  );
  const manifestType = "application/vnd.docker.distribution.manifest.v2+json";
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: manifestType,
      config: {
        mediaType: "application/vnd.docker.container.image.v1+json",
        size: config.length,
        digest: digestOf(config),
      },
      layers: [
        {
          mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip",
          size: 100_000_000,
          digest: layerDigest,
        },
      ],
    }),
  );
  let onDownloading: () => void = () => undefined;
  let onDropped: () => void = () => undefined;
  const downloading = new Promise<void>((resolve) => {
    onDownloading = resolve;
  });
  const dropped = new Promise<void>((resolve) => {
    onDropped = resolve;
  });

  const server = createServer((request, response) => {
    const { url = "", method } = request;
    if (url === "/v2/") {
      response.end("{}");
    } else if (url.includes("/manifests/")) {
      response.writeHead(200, {
        "Content-Type": manifestType,
        "Content-Length": manifest.length,
        "Docker-Content-Digest": digestOf(manifest),
      });
      response.end(method === "HEAD" ? undefined : manifest);
    } else if (url.endsWith(digestOf(config))) {
      response.writeHead(200, { "Content-Length": config.length }).end(config);
    } else if (url.endsWith(layerDigest)) {
      response.writeHead(200, { "Content-Length": 100_000_000 });
      if (method === "GET") {
        // An engine that gives up notices it at the next bytes, so they must keep coming.
        const trickle = setInterval(() => response.write("."), 10);
        response.on("close", () => {
          clearInterval(trickle);
          onDropped();
        });
        response.write(Buffer.alloc(1000), onDownloading);
      } else {
        response.end();
      }
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    downloading,
    dropped,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function digestOf(content: Buffer): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}
