import type { OpenNode } from "../node/open-node.js";

/** Text as it is, or a value that is written as JSON. */
export type BundleContent = string | object;

/** Files by their path in the bundle. */
export type BundleFiles = Readonly<Record<string, BundleContent>>;

/** What the parts look at. */
export interface BundleSource {
  readonly node: OpenNode;
  readonly configFile: string;
  /** Of the daemon, where its log is not in the journal. */
  readonly logFile: string | undefined;
  /** How far back logs go, in ms. */
  readonly sinceMs: number;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** A piece of the bundle. Secrets are taken out of whatever it collects. */
export interface BundlePart {
  readonly name: string;
  /** For people. */
  readonly about: string;
  /**
   * Undefined where the runtime that serves has no such thing.
   *
   * @throws Why it cannot be had; that is noted in the bundle.
   */
  collect(source: BundleSource): Promise<BundleFiles | undefined>;
  /** Which end is kept where it is too long. */
  readonly keep?: "start" | "end";
}
