import { tarArchive } from "@dockershim/pause-image/tar-archive";
import { messageOf } from "../cli-error.js";
import type { BundleContent, BundlePart, BundleSource } from "./bundle-part.js";
import { redactText, redactValue } from "./redact.js";

/** How much a bundle may take. */
export interface BundleLimits {
  /** Bytes of one file; what is longer is cut. */
  readonly fileBytes: number;
  /** Bytes of all files, before they are compressed; what is beyond is left out. */
  readonly totalBytes: number;
  /** Milliseconds that one part may take. */
  readonly partMs: number;
  /** Milliseconds that all may take; what is not begun by then is left out. */
  readonly totalMs: number;
}

export const usualLimits: BundleLimits = {
  fileBytes: 5 * 1_048_576,
  totalBytes: 60 * 1_048_576,
  partMs: 30_000,
  totalMs: 120_000,
};

/** A file of the bundle. */
export interface BundledFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** How many bytes were cut off. */
  readonly cut: number;
}

/** What became of a part. */
export interface BundledPart {
  readonly name: string;
  readonly about: string;
  readonly files: readonly BundledFile[];
  /** Why it is missing, or is not whole; undefined when all went well. */
  readonly problem: string | undefined;
  readonly milliseconds: number;
}

/** A bundle that was made. */
export interface Bundle {
  /** A tar archive, not compressed. */
  readonly archive: Uint8Array;
  readonly parts: readonly BundledPart[];
}

/**
 * Collects all parts, one after the other. One that fails, or takes too long, is noted and keeps no other from being
 * collected. Secrets are taken out before anything is cut.
 *
 * @param folder The folder in the archive that has it all.
 */
export async function makeBundle(
  parts: readonly BundlePart[],
  source: BundleSource,
  folder: string,
  limits: BundleLimits = usualLimits,
): Promise<Bundle> {
  const began = performance.now();
  const entries: { path: string; mode: number; content: Uint8Array }[] = [];
  const done: BundledPart[] = [];
  let free = limits.totalBytes;
  for (const part of parts) {
    const { name, about, keep = "start" } = part;
    const started = performance.now();
    const files: BundledFile[] = [];
    let problem: string | undefined;
    const left = limits.totalMs - (started - began);
    try {
      if (left <= 0) throw new Error(`left out: ${limits.totalMs} ms are over`);
      const found = await within(part.collect(source), Math.min(limits.partMs, left));
      for (const [path, content] of Object.entries(found ?? {})) {
        const text = Buffer.from(toText(content));
        const kept = cut(text, Math.min(limits.fileBytes, free), keep);
        if (kept.length === 0 && text.length > 0) {
          problem = "left out: the bundle is full";
          continue;
        }
        free -= kept.length;
        entries.push({ path: `${folder}/${path}`, mode: 0o600, content: kept });
        files.push({ path, size: kept.length, cut: text.length - kept.length });
      }
      if (found === undefined) problem = "there is no such thing with this runtime";
    } catch (error) {
      problem = redactText(messageOf(error));
    }
    done.push({
      name,
      about,
      files,
      problem,
      milliseconds: Math.round(performance.now() - started),
    });
  }
  const manifest = Buffer.from(
    `${JSON.stringify({ made: new Date(source.now()).toISOString(), parts: done }, null, 2)}\n`,
  );
  entries.unshift({ path: `${folder}/manifest.json`, mode: 0o600, content: manifest });
  return { archive: tarArchive(entries, Math.floor(source.now() / 1_000)), parts: done };
}

function toText(content: BundleContent): string {
  if (typeof content === "string") return redactText(content);
  const plain = JSON.stringify(
    redactValue(content),
    (_, value) => (typeof value === "bigint" ? `${value}` : value),
    2,
  );
  return `${plain}\n`;
}

function cut(text: Buffer, most: number, keep: "start" | "end"): Buffer {
  if (text.length <= most) return text;
  return keep === "end" ? text.subarray(text.length - most) : text.subarray(0, most);
}

/** @throws Error when it takes longer; what it does goes on unheard. */
async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it took longer than ${Math.round(ms)} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
