import {
  type DockerImages,
  type ImageInspect,
  type ImageSummary,
  isDockerError,
} from "@dockershim/docker-client";
import { createRefreshQueue } from "../async/refresh-queue.js";
import { asImageId, familiarReference } from "./image-reference.js";

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

interface Entry {
  /** The list's entry that the image was read for. */
  readonly listed: string;
  readonly image: ImageInspect;
}

/** So many lists are tried until one is not disturbed by a removal. */
const listAttempts = 10;

/** So many inspects run at once. */
const parallel = 8;

export function createImageStore(docker: Pick<DockerImages, "list" | "inspect">): ImageStore {
  let entries = new Map<string, Entry>();
  let references = new Map<string, string>();
  let version = 0;
  const queue = createRefreshQueue(read);

  async function read(): Promise<void> {
    const listed = await list();
    const next = new Map<string, Entry>();
    const waiting = [...new Map(listed.map((image) => [image.Id, image])).values()];
    const worker = async (): Promise<void> => {
      for (let image = waiting.pop(); image !== undefined; image = waiting.pop()) {
        const known = entries.get(image.Id);
        // An image's content never changes, its names do.
        if (known?.listed === fingerprint(image)) next.set(image.Id, known);
        else await inspect(image, next);
      }
    };
    await Promise.all(Array.from({ length: parallel }, worker));
    entries = next;
    references = index(next.values());
    version++;
  }

  /** With the containerd image store the engine's list fails when an image goes while it is made. */
  async function list(attempts = listAttempts): Promise<ImageSummary[]> {
    try {
      return await docker.list();
    } catch (err) {
      if (attempts === 1 || !isDockerError(err, "not_found")) throw err;
      return await list(attempts - 1);
    }
  }

  async function inspect(listed: ImageSummary, into: Map<string, Entry>): Promise<void> {
    try {
      const inspected = await docker.inspect(listed.Id);
      // With the containerd image store, an inspect has the size of the transfer alone, and the
      // list what it takes on the disk.
      const image = withPlainNames({ ...inspected, Size: listed.Size });
      into.set(listed.Id, { listed: fingerprint(listed), image });
    } catch (err) {
      // It went between the list and now; the event of that brings another read.
      if (!isDockerError(err, "not_found")) throw err;
    }
  }

  function find(reference: string): ImageInspect | undefined {
    const id = asImageId(reference) ?? references.get(familiarReference(reference));
    return id === undefined ? undefined : entries.get(id)?.image;
  }

  return {
    all: () => Array.from(entries.values(), ({ image }) => image),
    get: (id) => entries.get(id)?.image,
    find,
    async resolve(reference, signal) {
      const known = find(reference);
      if (known !== undefined) return known;
      try {
        const found = await docker.inspect(reference, { signal });
        return entries.get(found.Id)?.image ?? withPlainNames(found);
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

function index(entries: Iterable<Entry>): Map<string, string> {
  const references = new Map<string, string>();
  for (const { image } of entries) {
    for (const name of [...(image.RepoTags ?? []), ...(image.RepoDigests ?? [])]) {
      references.set(familiarReference(name), image.Id);
    }
  }
  return references;
}

/**
 * Older engines call an image without names `<none>:<none>`, and the containerd image store lists
 * one that was pulled by digest with that digest among its tags, and some digests twice.
 */
function withPlainNames(image: ImageInspect): ImageInspect {
  const tags = (image.RepoTags ?? []).filter((tag) => !/<none>|@/.test(tag));
  const digests = (image.RepoDigests ?? []).filter((digest) => !digest.includes("<none>"));
  return { ...image, RepoTags: tags, RepoDigests: [...new Set(digests)] };
}

function fingerprint({ RepoTags, RepoDigests, Size }: ImageSummary): string {
  return JSON.stringify([[...(RepoTags ?? [])].sort(), [...(RepoDigests ?? [])].sort(), Size]);
}
