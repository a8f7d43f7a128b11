/** What `dockershim` exits with. `exec` passes the command's own code on. */
export const exitCodes = {
  ok: 0,
  failure: 1,
  usage: 2,
  /** exec: the runtime ended the command at its timeout, or gave no answer in time. */
  timeout: 124,
  /** exec: the command could not be run at all. */
  notRun: 125,
} as const;

export type CliErrorCode = "usage" | "failure" | "not-found" | "ambiguous";

/** An error whose message is meant for the person at the terminal. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly code: CliErrorCode;
  /** What the process exits with. */
  readonly exitCode: number;
  /** The message as it is printed; most have one line. */
  readonly lines: readonly string[];

  /** @param options.exitCode Default: `usage` for wrong usage, else `failure`. */
  constructor(
    code: CliErrorCode,
    message: string,
    options: { cause?: unknown; exitCode?: number; lines?: readonly string[] } = {},
  ) {
    super(message, options);
    this.code = code;
    this.lines = options.lines ?? [message];
    this.exitCode = options.exitCode ?? (code === "usage" ? exitCodes.usage : exitCodes.failure);
  }
}

/** What is said of something that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
