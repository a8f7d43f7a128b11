/** What went wrong: `usage` (the caller's fault), `host` (the machine lacks something), `engine`, `registry`, `command`. */
export type LabErrorCode = "usage" | "host" | "engine" | "registry" | "command";

/** The one error the lab throws on purpose; its message is meant to be shown to a person as it is. */
export class LabError extends Error {
  override readonly name = "LabError";
  readonly code: LabErrorCode;

  constructor(code: LabErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
