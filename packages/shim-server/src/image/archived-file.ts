import type { Readable } from "node:stream";
import { type DockerClient, isDockerError } from "@dockershim/docker-client";

/** Account files of images are a few KB; nothing else is read here. */
const maxArchiveBytes = 16 * 1024 * 1024;

/** As many links as the kernel follows in one path. */
const maxLinks = 40;

const block = 512;

/**
 * Reads a small file out of a container's file system, running or not
 * (`GET /containers/{id}/archive`). Symbolic links are followed inside the container.
 *
 * @returns Undefined where there is no such file.
 */
export async function readArchivedFile(
  docker: Pick<DockerClient, "containers">,
  id: string,
  path: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  let target = path;
  for (let links = 0; links < maxLinks; links++) {
    try {
      const { stat, tar } = await docker.containers.getArchive(id, target, { signal });
      if (stat.linkTarget === "") return firstFile(await readAll(tar));
      tar.destroy();
      // The engine resolves what the path leads through, but not what it ends in.
      const folder = target.slice(0, target.lastIndexOf("/") + 1);
      target = stat.linkTarget.startsWith("/") ? stat.linkTarget : folder + stat.linkTarget;
    } catch (err) {
      if (isMissingPath(err)) return undefined;
      throw err;
    }
  }
  return undefined;
}

/** Whether there is such a file or folder in a container's file system, running or not. */
export async function hasArchivedPath(
  docker: Pick<DockerClient, "containers">,
  id: string,
  path: string,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const { tar } = await docker.containers.getArchive(id, path, { signal });
    // The content is of no interest, and may be large.
    tar.destroy();
    return true;
  } catch (err) {
    if (isMissingPath(err)) return false;
    throw err;
  }
}

/** A container that is gone is a 404 too, but tells nothing of its files. */
function isMissingPath(reason: unknown): boolean {
  return isDockerError(reason, "not_found") && !/no such container/i.test(reason.engineMessage);
}

async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxArchiveBytes) throw new Error("the file is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Text of the first regular file of a tar archive; headers of extensions come before it. */
export function firstFile(tar: Buffer): string | undefined {
  let offset = 0;
  while (offset + block <= tar.length && tar[offset] !== 0) {
    const header = tar.subarray(offset, offset + block);
    const size = Number.parseInt(header.toString("latin1", 124, 136).replace(/[\0 ]+$/, ""), 8);
    const type = header.toString("latin1", 156, 157);
    if (!Number.isInteger(size)) return undefined;
    offset += block;
    if (type === "0" || type === "\0") return tar.toString("utf8", offset, offset + size);
    offset += Math.ceil(size / block) * block;
  }
  return undefined;
}
