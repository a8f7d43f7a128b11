import type { Writable } from "node:stream";

/** What a command reads from and writes to, so that a test can hand in its own. */
export interface Terminal {
  stdout: Writable;
  stderr: Writable;
  env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch. */
  now(): number;
}
