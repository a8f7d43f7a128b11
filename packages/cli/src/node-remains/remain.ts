/** What may be left on a node. */
export const remainKinds = [
  "sandboxes",
  "containers",
  "networks",
  "addresses",
  "interfaces",
  "records",
  "logs",
  "checkpoints",
  "mounts",
  "images",
  "build-cache",
] as const;

export type RemainKindName = (typeof remainKinds)[number];

/** Something on the node that nobody knows any more. */
export interface Remain {
  /** What it is found again by: a path, or an id. */
  readonly id: string;
  /** For people. */
  readonly what: string;
  /** Why it is nobody's. */
  readonly why: string;
  /** Milliseconds since the epoch of its last change; undefined where that is not known. */
  readonly since: number | undefined;
  /** Bytes; undefined where it takes none, or that is not known. */
  readonly size?: number | undefined;
}

/** A kind that was not looked at. */
export interface NotLookedAt {
  readonly skipped: string;
}

/** What is younger may be in the making, in milliseconds. */
export const usualMinAgeMs = 3_600_000;
