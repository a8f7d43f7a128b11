/** What went wrong, for callers that decide by cause. */
export type CgroupErrorCode =
  /** No cgroup hierarchy is mounted below the root that was given. */
  | "not_available"
  /** A path that leaves the hierarchy, or is not a cgroup path at all. */
  | "invalid_path"
  /** A name that is no file of a resource controller. */
  | "invalid_file"
  /** A cgroup v2 key was to be written where the controller is on cgroup v1. */
  | "unified_on_v1"
  /** The cgroup, or that file of it, does not exist (any more). */
  | "gone"
  /** The kernel refused the value. */
  | "write_refused"
  /** The kernel could not be read for a reason that is not the cgroup's end, such as EMFILE. */
  | "read_failed";

/** The one error class of this package. `cause` holds the system error, where there is one. */
export class CgroupError extends Error {
  override readonly name = "CgroupError";
  readonly code: CgroupErrorCode;

  constructor(code: CgroupErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * System errors that say "this is not there (any more)":
 * ENOENT before the open, ENODEV when the cgroup was removed between open and read, ESRCH for a
 * process that ended, ENOTDIR for a name that became something else, EOPNOTSUPP for pressure
 * files while PSI is switched off and for `cgroup.procs` of a threaded cgroup, EINVAL for files
 * that exist and can only be written.
 */
const absentCodes: ReadonlySet<string> = new Set([
  "ENOENT",
  "ENODEV",
  "ESRCH",
  "ENOTDIR",
  "EOPNOTSUPP",
  "ENOTSUP",
  "EINVAL",
]);

/**
 * The `code` of a Node.js system error, or undefined for any other value. Told by its shape:
 * errors that come from another realm (a vm context) are no instances of this one's Error.
 */
export function systemErrorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** Whether a system error only says that the thing is not there. */
export function isAbsent(error: unknown): boolean {
  const code = systemErrorCode(error);
  return code !== undefined && absentCodes.has(code);
}
