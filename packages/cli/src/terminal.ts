import type { Readable, Writable } from "node:stream";

/** What a command reads from and writes to, so that a test can hand in its own. */
export interface Terminal {
  /** The process's own by default. */
  stdin?: Readable;
  stdout: Writable;
  stderr: Writable;
  env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch. */
  now(): number;
}
