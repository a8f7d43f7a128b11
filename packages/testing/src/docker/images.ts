import { createHash } from "node:crypto";
import type { EventLog } from "./event-log.ts";
import { EngineRefusal } from "./refusal.ts";

interface FakeImage {
  readonly id: string;
  readonly tags: Set<string>;
  readonly config: object;
}

/** The images of a fake engine. */
export interface FakeImages {
  /** @returns Its id. */
  add(tag: string, config?: object): string;
  remove(ref: string): void;
  /** Takes what `docker save` writes: `manifest.json` and the configs that it names. */
  load(tar: Buffer): void;
  /** By id or tag. @throws EngineRefusal 404. */
  get(ref: string): FakeImage;
  list(): object[];
  inspect(ref: string): object;
}

export function createFakeImages(events: EventLog): FakeImages {
  const byId = new Map<string, FakeImage>();

  function add(tag: string, id: string, config: object): void {
    for (const image of byId.values()) image.tags.delete(tag);
    const image = byId.get(id) ?? { id, tags: new Set(), config };
    image.tags.add(tag);
    byId.set(id, image);
  }

  function get(ref: string): FakeImage {
    const tag = /:[^/]*$/.test(ref) ? ref : `${ref}:latest`;
    const found = byId.get(ref) ?? [...byId.values()].find(({ tags }) => tags.has(tag));
    if (found === undefined) throw new EngineRefusal(404, `No such image: ${tag}`);
    return found;
  }

  return {
    add(tag, config = {}) {
      const id = digest(Buffer.from(tag));
      add(tag, id, config);
      events.add("image", "tag", id, { name: tag });
      return id;
    },
    remove(ref) {
      const { id } = get(ref);
      byId.delete(id);
      events.add("image", "delete", id, { name: id });
    },
    load(tar) {
      const files = filesOf(tar);
      const manifest = JSON.parse(String(files.get("manifest.json"))) as {
        Config: string;
        RepoTags: string[];
      }[];
      for (const { Config: path, RepoTags: tags } of manifest) {
        const content = files.get(path) ?? Buffer.alloc(0);
        const { config } = JSON.parse(String(content)) as { config: object };
        for (const tag of tags) add(tag, digest(content), config);
        events.add("image", "load", digest(content), { name: digest(content) });
      }
    },
    get,
    list: () =>
      Array.from(byId.values(), ({ id, tags }) => ({
        Id: id,
        ParentId: "",
        RepoTags: [...tags],
        RepoDigests: [],
        Created: 1_767_225_600,
        Size: 1_000_000,
        SharedSize: -1,
        Labels: null,
        Containers: -1,
      })),
    inspect(ref) {
      const { id, tags, config } = get(ref);
      return {
        Id: id,
        RepoTags: [...tags],
        RepoDigests: [],
        Created: "2026-01-01T00:00:00Z",
        Architecture: "amd64",
        Os: "linux",
        Size: 1_000_000,
        RootFS: { Type: "layers", Layers: [] },
        Config: config,
      };
    },
  };
}

function digest(content: Uint8Array): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

/** The regular files of a tar (POSIX ustar). */
function filesOf(tar: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const text = (from: number, length: number): string =>
      String(tar.subarray(at + from, at + from + length)).replace(/\0.*$/s, "");
    const size = Number.parseInt(text(124, 12), 8);
    files.set(text(0, 100), tar.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}
