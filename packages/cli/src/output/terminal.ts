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

/** What a stream has that is a terminal. */
export interface Screen {
  readonly isTTY: true;
  readonly columns?: number;
  readonly rows?: number;
}

export function isTerminal<Stream extends Readable | Writable>(
  stream: Stream,
): stream is Stream & Screen {
  return (stream as { isTTY?: boolean }).isTTY === true;
}

/** Whether what is printed has colours: on a terminal that has them, unless NO_COLOR says otherwise. */
export function hasColour({ stdout, env }: Terminal): boolean {
  return isTerminal(stdout) && !env.NO_COLOR && env.TERM !== "dumb";
}
