import { type DockerImages, type ImageInspect, isDockerError } from "@dockershim/docker-client";
import { asImageId, familiarReference } from "./image-reference.js";
import { createRefreshQueue } from "./refresh-queue.js";

/** What the daemon knows of the engine's images, in memory. */
export interface ImageStore {
  all(): Iterable<ImageInspect>;
  /** By id. */
  get(id: string): ImageInspect | undefined;
  /** By id, tag or digest, from memory alone. */
  find(reference: string): ImageInspect | undefined;
  /** By id, tag or digest; asks the engine when memory has none. */
  resolve(reference: string, signal?: AbortSignal): Promise<ImageInspect | undefined>;
  /** Reads the list of images anew; on return the store holds a state later than the call. */
  refresh(): Promise<void>;
  /** Changes whenever the set of images does. */
  readonly version: number;
}

/** So many inspects run at once. */
const parallel = 8;

export function createImageStore(docker: Pick<DockerImages, "list" | "inspect">): ImageStore {
  let images = new Map<string, ImageInspect>();
  let references = new Map<string, string>();
  let version = 0;
  const queue = createRefreshQueue(read);

  async function read(): Promise<void> {
    const listed = await docker.list();
    const next = new Map<string, ImageInspect>();
    const waiting = [...new Map(listed.map((image) => [image.Id, image])).values()];
    const worker = async (): Promise<void> => {
      for (let image = waiting.pop(); image !== undefined; image = waiting.pop()) {
        const known = images.get(image.Id);
        // An image's content never changes, its names do.
        if (known !== undefined && sameNames(known, image)) next.set(image.Id, known);
        else await inspect(image.Id, next);
      }
    };
    await Promise.all(Array.from({ length: parallel }, worker));
    images = next;
    references = index(next.values());
    version++;
  }

  async function inspect(id: string, into: Map<string, ImageInspect>): Promise<void> {
    try {
      into.set(id, await docker.inspect(id));
    } catch (err) {
      // It went between the list and now; the event of that brings another read.
      if (!isDockerError(err, "not_found")) throw err;
    }
  }

  function find(reference: string): ImageInspect | undefined {
    const id = asImageId(reference) ?? references.get(familiarReference(reference));
    return id === undefined ? undefined : images.get(id);
  }

  return {
    all: () => images.values(),
    get: (id) => images.get(id),
    find,
    async resolve(reference, signal) {
      const known = find(reference);
      if (known !== undefined) return known;
      try {
        return await docker.inspect(reference, { signal });
      } catch (err) {
        // The engine calls a malformed name invalid; to us it is an image that is not there.
        if (isDockerError(err, "not_found")) return undefined;
        throw err;
      }
    },
    refresh: () => queue.refresh("images"),
    get version() {
      return version;
    },
  };
}

function index(images: Iterable<ImageInspect>): Map<string, string> {
  const references = new Map<string, string>();
  for (const image of images) {
    for (const name of [...(image.RepoTags ?? []), ...(image.RepoDigests ?? [])]) {
      references.set(familiarReference(name), image.Id);
    }
  }
  return references;
}

type Names = Pick<ImageInspect, "RepoTags" | "RepoDigests">;

function sameNames(a: Names, b: Names): boolean {
  const text = (names: Names): string =>
    JSON.stringify([[...(names.RepoTags ?? [])].sort(), [...(names.RepoDigests ?? [])].sort()]);
  return text(a) === text(b);
}
