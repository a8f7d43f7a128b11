import {
  type DockerImages,
  type ImageInspect,
  type ImageSummary,
  isDockerError,
} from "@dockershim/docker-client";
import type { Logger } from "pino";
import { createRefreshQueue } from "../async/refresh-queue.js";
import { createRetries } from "../async/retries.js";
import { asImageId, familiarReference } from "./image-reference.js";
import { isUnreadable } from "./unreadable.js";

/** What the daemon knows of the engine's images, in memory. */
export interface ImageStore {
  all(): Iterable<ImageInspect>;
  /** By id. */
  get(id: string): ImageInspect | undefined;
  /** By id, tag or digest, from memory alone. */
  find(reference: string): ImageInspect | undefined;
  /**
   * By id, tag or digest; asks the engine when memory has none, or only what the list tells.
   *
   * @throws DockerError when the engine does not let it be read.
   */
  resolve(reference: string, signal?: AbortSignal): Promise<ImageInspect | undefined>;
  /** Reads the list of images anew; on return the store holds a state later than the call. */
  refresh(): Promise<void>;
  /** Changes whenever the set of images does. */
  readonly version: number;
  /** How many images the engine does not let be read. */
  readonly unread: number;
  /** What those are called, or their ids. */
  unreadNames(): string[];
  /** Ends what goes on in the background. */
  close(): void;
}

export interface ImageStoreOptions {
  readonly images: Pick<DockerImages, "list" | "inspect">;
  readonly log: Pick<Logger, "warn">;
  /** How long the engine may take to answer one inspect, in ms. */
  readonly readDeadlineMs?: number;
  /** When an image that could not be read is tried again, in ms. */
  readonly retryMs?: { readonly firstMs: number; readonly mostMs: number };
}

interface Entry {
  /** The list's entry that the image was read for. */
  readonly listed: string;
  readonly image: ImageInspect;
  /** Whether the engine did not let it be read: then it has what the list tells. */
  readonly unread: boolean;
}

/** So many lists are tried until one is not disturbed by a removal. */
const listAttempts = 10;

/** So many inspects run at once. */
const parallel = 8;

export function createImageStore(options: ImageStoreOptions): ImageStore {
  const { images: docker, log, readDeadlineMs = 5_000 } = options;
  let entries = new Map<string, Entry>();
  let references = new Map<string, string>();
  let version = 0;
  const queue = createRefreshQueue(read);
  // Unread images that the engine lets be read again.
  const due = new Set<string>();
  const retries = createRetries(
    (id) => void retry(id),
    options.retryMs ?? { firstMs: 1_000, mostMs: 60_000 },
  );

  async function read(): Promise<void> {
    const listed = await list();
    const next = new Map<string, Entry>();
    const waiting = [...new Map(listed.map((image) => [image.Id, image])).values()];
    const worker = async (): Promise<void> => {
      for (let image = waiting.pop(); image !== undefined; image = waiting.pop()) {
        const known = entries.get(image.Id);
        // An image's content never changes, its names do. One that could not be read has its time.
        if (known?.listed === fingerprint(image) && !due.has(image.Id)) next.set(image.Id, known);
        else await inspect(image, next);
      }
    };
    await Promise.all(Array.from({ length: parallel }, worker));
    for (const id of entries.keys()) if (!next.has(id)) retries.done(id);
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
    const { Id: id } = listed;
    due.delete(id);
    try {
      const signal = AbortSignal.timeout(readDeadlineMs);
      const inspected = await docker.inspect(id, { signal });
      retries.done(id);
      // With the containerd image store, an inspect has the size of the transfer alone, and the
      // list what it takes on the disk.
      const image = withPlainNames({ ...inspected, Size: listed.Size });
      into.set(id, { listed: fingerprint(listed), image, unread: false });
    } catch (err) {
      // It went between the list and now; the event of that brings another read.
      if (isDockerError(err, "not_found")) return;
      if (!isUnreadable(err)) throw err;
      // One that cannot be read must not keep the others from being known.
      if (entries.get(id)?.unread !== true) {
        log.warn({ err, id, names: listed.RepoTags }, "Docker does not let an image be read");
      }
      const image = withPlainNames(asListed(listed));
      into.set(id, { listed: fingerprint(listed), image, unread: true });
      retries.schedule(id);
    }
  }

  /** Outside of the queue, in which a hung read would keep others waiting each time. */
  async function retry(id: string): Promise<void> {
    try {
      await docker.inspect(id, { signal: AbortSignal.timeout(readDeadlineMs) });
      due.add(id);
      await queue.refresh("images");
    } catch {
      retries.schedule(id);
    }
  }

  function entryOf(reference: string): Entry | undefined {
    const id = asImageId(reference) ?? references.get(familiarReference(reference));
    return id === undefined ? undefined : entries.get(id);
  }

  return {
    all: () => Array.from(entries.values(), ({ image }) => image),
    get: (id) => entries.get(id)?.image,
    find: (reference) => entryOf(reference)?.image,
    async resolve(reference, signal) {
      const known = entryOf(reference);
      if (known?.unread === false) return known.image;
      try {
        const found = await docker.inspect(reference, { signal });
        const read = entries.get(found.Id);
        return read?.unread === false ? read.image : withPlainNames(found);
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
    get unread() {
      return retries.size;
    },
    unreadNames: () =>
      [...entries.values()].flatMap(({ unread, image: { Id: id, RepoTags: tags } }) =>
        unread ? [tags?.[0] ?? id] : [],
      ),
    close: retries.close,
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

/** What the list tells of an image. What it has of an image's configuration are the labels. */
function asListed({ Id, RepoTags, RepoDigests, Size, Labels }: ImageSummary): ImageInspect {
  return {
    Id,
    RepoTags,
    RepoDigests,
    Size,
    Architecture: "",
    Os: "",
    RootFS: { Type: "" },
    Config: { Labels } as ImageInspect["Config"],
  };
}

function fingerprint({ RepoTags, RepoDigests, Size }: ImageSummary): string {
  return JSON.stringify([[...(RepoTags ?? [])].sort(), [...(RepoDigests ?? [])].sort(), Size]);
}
