import { type DockerClient, isDockerError } from "@dockershim/docker-client";
import { type ImageUser, OWN_PREFIX, resolveImageUser } from "@dockershim/pod-sandbox";
import type { Logger } from "pino";
import { readArchivedFile } from "./archived-file.js";

/** What images' own /etc/passwd and /etc/group say of users. */
export interface ImageAccounts {
  /**
   * Finds a user, by name or uid.
   *
   * @param imageId Docker's image id.
   * @returns Undefined for a name that the image does not know.
   */
  find(imageId: string, user: string, signal: AbortSignal): Promise<ImageUser | undefined>;
}

interface AccountFiles {
  readonly passwd: string;
  readonly group: string;
}

/** Images of so many ids are remembered; their files never change. */
const remembered = 256;

/** A read is shared by all callers that wait for it, so it has a deadline of its own. */
const readDeadlineMs = 60_000;

/**
 * Reads account files out of images, once per image.
 *
 * Docker shows an image's files only in a container. So one is created, never started, and
 * removed again; it has none of the labels of pods. Its name follows from the image, so that one
 * which a killed daemon left behind is found and removed by the next attempt.
 */
export function createImageAccounts(
  docker: Pick<DockerClient, "containers">,
  instance: string,
  log: Logger,
): ImageAccounts {
  const files = new Map<string, Promise<AccountFiles>>();

  async function read(imageId: string): Promise<AccountFiles> {
    const signal = AbortSignal.timeout(readDeadlineMs);
    const id = await createScratch(imageId, signal);
    try {
      const [passwd = "", group = ""] = await Promise.all(
        ["/etc/passwd", "/etc/group"].map((path) => readArchivedFile(docker, id, path, signal)),
      );
      return { passwd, group };
    } finally {
      await remove(id).catch((err: unknown) => log.warn({ err, id }, "could not remove container"));
    }
  }

  async function createScratch(imageId: string, signal: AbortSignal): Promise<string> {
    const name = `dockershim-accounts-${instance}-${imageId.replace(/^sha256:/, "").slice(0, 12)}`;
    const body = {
      Image: imageId,
      Entrypoint: ["never-started"],
      Labels: { [`${OWN_PREFIX}accounts`]: instance },
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
    const signal = AbortSignal.timeout(readDeadlineMs);
    try {
      await docker.containers.remove(id, { force: true, volumes: true, signal });
    } catch (err) {
      if (!isDockerError(err, "not_found")) throw err;
    }
  }

  function filesOf(imageId: string): Promise<AccountFiles> {
    const known = files.get(imageId);
    if (known !== undefined) return known;
    const reading = read(imageId);
    files.set(imageId, reading);
    for (const oldest of files.keys()) {
      if (files.size <= remembered) break;
      files.delete(oldest);
    }
    reading.catch(() => files.delete(imageId));
    return reading;
  }

  return {
    async find(imageId, user, signal) {
      signal.throwIfAborted();
      const { passwd, group } = await filesOf(imageId);
      signal.throwIfAborted();
      return resolveImageUser(user, passwd, group);
    },
  };
}
