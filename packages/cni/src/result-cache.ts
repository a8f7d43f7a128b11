import { existsSync } from "node:fs";
import { mkdir, open, readdir, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { Attachment, AttachmentId, CniArg } from "./attachment.js";
import { CniError } from "./errors.js";
import { isJsonObject, type JsonObject } from "./json.js";
import type { CniLog } from "./log.js";
import { maxStdoutBytes } from "./plugin-exec.js";
import { readRegularFile } from "./read-file.js";

/** What the cache knows of an attachment. */
export interface CachedAttachment extends AttachmentId {
  readonly network: string;
  /** The namespace path at ADD; a `/proc/<pid>` one may mean another process by now. */
  readonly netns: string;
  readonly args: readonly CniArg[];
  readonly capabilityArgs: JsonObject;
  /** The configuration list that the attachment was made with, as JSON text. */
  readonly configText: string;
  /**
   * The final result, in the version it was spoken in; while `complete` is
   * false, what the plugins that had run answered; absent if none had.
   */
  readonly result: JsonObject | undefined;
  /**
   * False while ADD or DEL is under way, and for good when it was interrupted,
   * or failed and could not be undone: such an attachment wants a DEL.
   */
  readonly complete: boolean;
  /** The cache file. */
  readonly file: string;
  /** Whether the file is in one of the directories that are only read. */
  readonly readOnly: boolean;
}

/** What the cache is told of an attachment. */
export interface CacheEntry extends Attachment {
  readonly network: string;
  readonly configText: string;
  readonly result: JsonObject | undefined;
  readonly complete: boolean;
}

/**
 * The attachments made, one file each, in the format of libcni
 * (`<dir>/results/<network>-<container id>-<interface>`, kind `cniCacheV1`).
 * Files that libcni wrote are read, and libcni reads ours; an attachment
 * whose ADD or DEL is under way has one member more, which libcni ignores.
 */
export interface ResultCache {
  write(entry: CacheEntry): Promise<void>;
  /** The attachments of a container, or of all, own directory first. */
  list(filter?: Partial<AttachmentId> & { readonly network?: string }): Promise<CachedAttachment[]>;
  /** Removes the file of an attachment; one that is gone or read-only is left alone. */
  remove(cached: CachedAttachment): Promise<void>;
}

const cacheKind = "cniCacheV1";

/** The member that marks an ADD or DEL under way. */
const pendingKey = "io.dockershim.pending";

export function createResultCache(options: {
  readonly cacheDir: string;
  readonly extraCacheDirs: readonly string[];
  readonly log: CniLog;
}): ResultCache {
  const { cacheDir, extraCacheDirs, log } = options;
  const resultsDir = join(cacheDir, "results");
  let made: Promise<unknown> | undefined;
  let temporary = 0;

  return {
    write: async (entry) => {
      const file = join(resultsDir, `${entry.network}-${entry.containerId}-${entry.ifName}`);
      temporary += 1;
      // Outside of `results`, so that no reader of the cache takes it for an attachment.
      const draft = join(cacheDir, `.${process.pid}-${temporary}.tmp`);
      try {
        made ??= mkdir(resultsDir, { recursive: true, mode: 0o700 }).then(() =>
          removeAbandonedDrafts(cacheDir),
        );
        await made;
        await writeAndRename(draft, file, format(entry));
        // Before a plugin takes an address, it must be on the disk that one may have been taken.
        if (entry.result === undefined) await syncFolder(resultsDir);
      } catch (error) {
        made = undefined;
        await unlink(draft).catch(() => {});
        throw CniError.from(error, "cache_failed", `cannot write ${file}`);
      }
    },

    list: async (filter = {}) => {
      const found: CachedAttachment[] = [];
      for (const [index, dir] of [cacheDir, ...extraCacheDirs].entries()) {
        for (const cached of await readCacheDir(join(dir, "results"), index > 0, filter, log)) {
          const known = found.some((other) => isSame(other, cached));
          if (!known) found.push(cached);
        }
      }
      return found;
    },

    remove: async ({ file, readOnly }) => {
      if (readOnly) return;
      await unlink(file).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") {
          throw CniError.from(error, "cache_failed", `cannot remove ${file}`);
        }
      });
    },
  };
}

/** A process that was killed while it wrote may have left a draft. */
async function removeAbandonedDrafts(cacheDir: string): Promise<void> {
  for (const name of await readdir(cacheDir)) {
    const pid = /^\.(\d+)-\d+\.tmp$/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) {
      await unlink(join(cacheDir, name)).catch(() => {});
    }
  }
}

/** A reader sees the old text or the new one, even when this process ends in between, or the power goes. */
async function writeAndRename(draft: string, file: string, text: string): Promise<void> {
  const handle = await open(draft, "w", 0o600);
  let closed: Promise<void> | undefined;
  try {
    await handle.writeFile(text);
    // A name may reach the disk before the text does.
    await handle.datasync();
    // Once written, the file may be closed and renamed at the same time.
    closed = handle.close();
    await Promise.all([closed, rename(draft, file)]);
  } finally {
    await (closed ?? handle.close());
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isSame(a: CachedAttachment, b: CachedAttachment): boolean {
  return a.network === b.network && a.containerId === b.containerId && a.ifName === b.ifName;
}

async function readCacheDir(
  dir: string,
  readOnly: boolean,
  filter: Partial<AttachmentId> & { readonly network?: string },
  log: CniLog,
): Promise<CachedAttachment[]> {
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return [];
    throw CniError.from(error, "cache_failed", `cannot read ${dir}`);
  });
  const found: CachedAttachment[] = [];
  for (const name of names.toSorted()) {
    if (filter.containerId !== undefined && !name.includes(`-${filter.containerId}-`)) continue;
    const file = join(dir, name);
    let cached: CachedAttachment | undefined;
    try {
      cached = parse(await readRegularFile(file, maxEntryBytes), file, readOnly);
    } catch (error) {
      // Another pod's attachment was removed since the names were read.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") continue;
    }
    if (cached === undefined) {
      log("warn", "skipping a file in the result cache that cannot be read", { file });
    } else if (matches(cached, filter)) {
      found.push(cached);
    }
  }
  return found;
}

/** A plugin's result, its configuration and some room. */
const maxEntryBytes = 4 * maxStdoutBytes;

function matches(
  cached: CachedAttachment,
  filter: Partial<AttachmentId> & { readonly network?: string },
): boolean {
  return (
    (filter.containerId === undefined || filter.containerId === cached.containerId) &&
    (filter.ifName === undefined || filter.ifName === cached.ifName) &&
    (filter.network === undefined || filter.network === cached.network)
  );
}

function format(entry: CacheEntry): string {
  const { args = [], capabilityArgs = {} } = entry;
  return JSON.stringify({
    kind: cacheKind,
    containerId: entry.containerId,
    config: Buffer.from(entry.configText).toString("base64"),
    ifName: entry.ifName,
    networkName: entry.network,
    ...(entry.netns === "" ? {} : { netns: entry.netns }),
    ...(args.length === 0 ? {} : { cniArgs: args }),
    ...(Object.keys(capabilityArgs).length === 0 ? {} : { capabilityArgs }),
    ...(entry.result === undefined ? {} : { result: entry.result }),
    ...(entry.complete ? {} : { [pendingKey]: true }),
  });
}

function parse(text: string, file: string, readOnly: boolean): CachedAttachment | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isJsonObject(value) || value.kind !== cacheKind) return undefined;
  const { containerId, ifName, networkName, config, netns, cniArgs, capabilityArgs } = value;
  if (
    typeof containerId !== "string" ||
    typeof ifName !== "string" ||
    typeof networkName !== "string" ||
    typeof config !== "string"
  ) {
    return undefined;
  }
  return {
    containerId,
    ifName,
    network: networkName,
    netns: typeof netns === "string" ? netns : "",
    args: Array.isArray(cniArgs) ? cniArgs.filter(isArg) : [],
    capabilityArgs: isJsonObject(capabilityArgs) ? capabilityArgs : {},
    configText: Buffer.from(config, "base64").toString(),
    result: isJsonObject(value.result) ? value.result : undefined,
    complete: value[pendingKey] !== true && isJsonObject(value.result),
    file,
    readOnly,
  };
}

function isArg(value: unknown): value is CniArg {
  return (
    Array.isArray(value) && value.length === 2 && value.every((entry) => typeof entry === "string")
  );
}
