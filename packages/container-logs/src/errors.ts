/**
 * What went wrong:
 *
 * - `invalid_path`: a path or an id that no file can have, or one with an element that is too long;
 * - `path_refused`: a symbolic link on the way to the log, or something there that is no file or
 *   no folder;
 * - `no_space`: the disk of the log, or of the positions, is full;
 * - `io_failed`: anything else that the system said.
 */
export type ContainerLogErrorCode = "invalid_path" | "path_refused" | "no_space" | "io_failed";

/** The one error class of this package. */
export class ContainerLogError extends Error {
  override readonly name = "ContainerLogError";
  /** The class of the failure. */
  readonly code: ContainerLogErrorCode;

  constructor(code: ContainerLogErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  /** Returns the error itself when it is one of ours, and otherwise classifies and wraps it. */
  static from(reason: unknown): ContainerLogError {
    if (reason instanceof ContainerLogError) return reason;
    const { message, code = "" } = reason as NodeJS.ErrnoException;
    return new ContainerLogError(systemCodes[code] ?? "io_failed", `container log: ${message}`, {
      cause: reason,
    });
  }
}

const systemCodes: Record<string, ContainerLogErrorCode> = {
  EDQUOT: "no_space",
  ELOOP: "path_refused",
  ENAMETOOLONG: "invalid_path",
  // When a folder cannot be made although the one above it is there, as in /proc.
  ENOENT: "path_refused",
  ENOSPC: "no_space",
  ENOTDIR: "path_refused",
};
