import { type DockerClient, isDockerError } from "@dockershim/docker-client";
import { OWN_PREFIX } from "@dockershim/pod-sandbox";
import type { Logger } from "pino";
import { hasArchivedPath, readArchivedFile } from "./archived-file.js";

/** Looks into an image's file system. */
export interface ImageFiles {
  /** Texts of files, undefined for those that are not there. */
  read(imageId: string, paths: readonly string[]): Promise<(string | undefined)[]>;
  has(imageId: string, path: string): Promise<boolean>;
}

/** What is read is shared by callers, so reading has a deadline of its own. */
const deadlineMs = 60_000;

/**
 * Reads images through containers.
 *
 * Docker shows an image's files only in a container. So one is created, never started, and
 * removed again; it has none of the labels of pods. Its name follows from the image, so that one
 * which a killed daemon left behind is found and removed by the next attempt.
 */
export function createImageFiles(
  docker: Pick<DockerClient, "containers">,
  instance: string,
  log: Logger,
): ImageFiles {
  const queues = new Map<string, Promise<unknown>>();

  /** One look at a time per image: the name can be had once. */
  function look<T>(
    imageId: string,
    into: (id: string, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const before = queues.get(imageId) ?? Promise.resolve();
    const looking = before.then(() => lookNow(imageId, into));
    const settled = looking.catch(() => undefined);
    queues.set(imageId, settled);
    void settled.then(() => {
      if (queues.get(imageId) === settled) queues.delete(imageId);
    });
    return looking;
  }

  async function lookNow<T>(
    imageId: string,
    into: (id: string, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const signal = AbortSignal.timeout(deadlineMs);
    const id = await createUnstarted(imageId, signal);
    try {
      return await into(id, signal);
    } finally {
      await remove(id).catch((err: unknown) => log.warn({ err, id }, "could not remove container"));
    }
  }

  async function createUnstarted(imageId: string, signal: AbortSignal): Promise<string> {
    const name = `dockershim-image-${instance}-${imageId.replace(/^sha256:/, "").slice(0, 12)}`;
    const body = {
      Image: imageId,
      Entrypoint: ["never-started"],
      Labels: { [`${OWN_PREFIX}image-files`]: instance },
      HostConfig: { NetworkMode: "none" },
    };
    try {
      return (await docker.containers.create(body, { name, signal })).Id;
    } catch (err) {
      if (!isDockerError(err, "conflict")) throw err;
      await remove(name);
      return (await docker.containers.create(body, { name, signal })).Id;
    }
  }

  async function remove(id: string): Promise<void> {
    const signal = AbortSignal.timeout(deadlineMs);
    try {
      await docker.containers.remove(id, { force: true, volumes: true, signal });
    } catch (err) {
      if (!isDockerError(err, "not_found")) throw err;
    }
  }

  return {
    read: (imageId, paths) =>
      look(imageId, (id, signal) =>
        Promise.all(paths.map((path) => readArchivedFile(docker, id, path, signal))),
      ),
    has: (imageId, path) =>
      look(imageId, (id, signal) => hasArchivedPath(docker, id, path, signal)),
  };
}
