import { type DockerClient, isDockerError } from "@dockershim/docker-client";
import { OWN_PREFIX } from "@dockershim/pod-sandbox";
import type { Logger } from "pino";
import { hasArchivedPath, readArchivedFile } from "./archived-file.js";

/** Looks into an image's file system. */
export interface ImageFiles {
  /** Texts of files, undefined for those that are not there. */
  read(imageId: string, paths: readonly string[]): Promise<(string | undefined)[]>;
  has(imageId: string, path: string): Promise<boolean>;
  /**
   * Removes what a killed daemon left behind, which would keep images from being removed. To be
   * called before the first look; looks wait for it.
   */
  removeLeftovers(): Promise<void>;
}

/** What is read is shared by callers, so reading has a deadline of its own. */
const deadlineMs = 60_000;

/**
 * Reads images through containers.
 *
 * Docker shows an image's files only in a container. So one is created, never started, and
 * removed again; it has none of the labels of pods. Its name follows from the image: should a
 * removal have failed, the next look at that image makes up for it.
 */
export function createImageFiles(
  docker: Pick<DockerClient, "containers">,
  instance: string,
  log: Logger,
): ImageFiles {
  const label = `${OWN_PREFIX}image-files`;
  const queues = new Map<string, Promise<unknown>>();
  let cleaned: Promise<void> = Promise.resolve();

  /** One look at a time per image: the name can be had once. */
  function look<T>(
    imageId: string,
    into: (id: string, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const before = queues.get(imageId) ?? cleaned;
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
      Labels: { [label]: instance },
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

  async function findAndRemove(): Promise<void> {
    const signal = AbortSignal.timeout(deadlineMs);
    const filters = { label: [`${label}=${instance}`] };
    const left = await docker.containers.list({ all: true, filters, signal });
    await Promise.all(left.map(({ Id: id }) => remove(id)));
  }

  return {
    removeLeftovers() {
      cleaned = findAndRemove().catch((err: unknown) => {
        log.warn({ err }, "could not look for containers of an earlier run");
      });
      return cleaned;
    },
    read: (imageId, paths) =>
      look(imageId, (id, signal) =>
        Promise.all(paths.map((path) => readArchivedFile(docker, id, path, signal))),
      ),
    has: (imageId, path) =>
      look(imageId, (id, signal) => hasArchivedPath(docker, id, path, signal)),
  };
}
