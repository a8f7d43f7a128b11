import { CniError } from "./errors.js";

/** Every version of the CNI specification, oldest first; all are spoken here. */
export const cniVersions: readonly ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] =
  ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];

/** A version of the CNI specification. */
export type CniVersion = (typeof cniVersions)[number];

/** The newest version that this package implements. */
export const latestCniVersion: CniVersion = "1.1.0";

export function isCniVersion(text: string): text is CniVersion {
  return (cniVersions as readonly string[]).includes(text);
}

/** Whether `version` has what `since` brought in. */
export function isAtLeast(version: CniVersion, since: CniVersion): boolean {
  return cniVersions.indexOf(version) >= cniVersions.indexOf(since);
}

/**
 * Reads a version out of a configuration or result: no version at all means
 * 0.1.0, the one from before the key existed.
 *
 * @throws CniError `unsupported_version` for versions that are not implemented
 */
export function parseCniVersion(text: string): CniVersion {
  if (text === "") return "0.1.0";
  if (!isCniVersion(text)) {
    throw new CniError(
      "unsupported_version",
      `CNI version ${JSON.stringify(text)} is not supported`,
    );
  }
  return text;
}

/** The highest of those versions that this package implements, or undefined. */
export function highestVersion(candidates: Iterable<string>): CniVersion | undefined {
  const set = new Set(candidates);
  return cniVersions.findLast((version) => set.has(version));
}
