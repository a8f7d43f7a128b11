import { createWriteStream } from "node:fs";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import type { ContainerChange, DockerContainers } from "@dockershim/docker-client";
import { pack } from "tar-stream";
import { pickEntries } from "./tar-entries.js";

/** Whiteouts are made so many at a time: a container may have removed very many files. */
const whiteoutsAtOnce = 1_000;

/** The two empty blocks at the end of a tar. */
const endBytes = 1_024;

/**
 * Writes what a container has changed of its image as an OCI image layer: deletions first, as
 * whiteouts, since a folder may have been deleted and made again; then what is changed or new, as
 * the engine's export has it.
 *
 * The export is the whole file system, image included, so this takes time by the image's size; but it
 * is without volumes, which the archive of a single folder would bring along.
 *
 * @returns The paths that were deleted, absolute in the container.
 */
export async function writeRootfsDiff(
  containers: Pick<DockerContainers, "changes" | "exportFiles">,
  id: string,
  file: string,
  signal: AbortSignal,
): Promise<string[]> {
  const changes = await containers.changes(id, { signal });
  const deleted = changes.filter(({ Kind }) => Kind === 2).map(({ Path }) => Path);
  async function* layer(): AsyncGenerator<Uint8Array> {
    yield* whiteouts(deleted);
    if (changes.length > 0) yield* await changedEntries(changes);
    yield Buffer.alloc(endBytes);
  }
  async function changedEntries(
    of: readonly ContainerChange[],
  ): Promise<AsyncIterable<Uint8Array>> {
    const paths = new Set(of.map(({ Path }) => Path.slice(1)));
    const exported = await containers.exportFiles(id, { signal });
    return pickEntries(exported, (path) => paths.has(path));
  }
  await pipeline(layer, createWriteStream(file, { flags: "wx", mode: 0o600 }), { signal });
  return deleted;
}

/** An empty file `.wh.NAME` stands for the absence of NAME (OCI image specification, "Whiteouts"). */
async function* whiteouts(paths: readonly string[]): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < paths.length; at += whiteoutsAtOnce) {
    const archive = pack();
    for (const path of paths.slice(at, at + whiteoutsAtOnce)) {
      const slash = path.lastIndexOf("/");
      const name = `${path.slice(1, slash + 1)}.wh.${path.slice(slash + 1)}`;
      archive.entry({ name, mode: 0o600, mtime: new Date(0) }, "");
    }
    archive.finalize();
    yield (await buffer(archive)).subarray(0, -endBytes);
  }
}
