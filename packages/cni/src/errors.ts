/** What went wrong, as a word that a caller can switch on. */
export type CniErrorCode =
  /** The network configuration cannot be used (syntax, missing key, wrong type). */
  | "invalid_config"
  /** The attachment, an argument or a capability value cannot be used. */
  | "invalid_argument"
  /** The configuration's version, or the plugin's, is not one that both sides speak. */
  | "unsupported_version"
  /** No executable of the plugin's type in any of the plugin directories. */
  | "plugin_not_found"
  /** The plugin could not be started (permission, format, out of processes). */
  | "spawn_failed"
  /** The plugin ended with a failure; `cniCode`, `msg` and `details` are the plugin's own. */
  | "plugin_failed"
  /** The plugin claimed success, but what it printed is not a result. */
  | "invalid_result"
  /** The deadline passed; the plugin's process group was killed. */
  | "timeout"
  /** The caller's signal aborted; the plugin's process group was killed. */
  | "aborted"
  /** ADD was asked for an attachment that exists already. */
  | "already_attached"
  /** A port of the host that is asked for is mapped to another container. */
  | "host_port_taken"
  /** CHECK was asked for an attachment that no ADD made. */
  | "not_attached"
  /** The result cache could not be read or written. */
  | "cache_failed"
  /** The loopback interface could not be brought up. */
  | "loopback_failed"
  /** Part of a garbage collection failed; the parts are in `errors`. */
  | "gc_failed";

/** The operations of the CNI protocol (CNI spec 1.1.0, section 2). */
export type CniCommand = "ADD" | "DEL" | "CHECK" | "GC" | "STATUS" | "VERSION";

/** What a {@link CniError} carries besides its code and message. */
export interface CniErrorFields {
  /** The plugin's type, as the configuration names it. */
  readonly plugin?: string | undefined;
  /** The operation that failed. */
  readonly command?: CniCommand | undefined;
  /** The numeric code that the plugin reported (CNI spec 1.1.0, section 5, "Error"). */
  readonly cniCode?: number | undefined;
  /** The plugin's own short message, without the prefix that `message` has. */
  readonly msg?: string | undefined;
  /** The plugin's own long message. */
  readonly details?: string | undefined;
  /** The end of what the plugin wrote to standard error (at most 16 KiB). */
  readonly stderr?: string | undefined;
  /** The plugin's exit status; absent when a signal ended it or it never ran. */
  readonly exitCode?: number | undefined;
  /** Why the DEL that followed a failed ADD failed as well. */
  readonly cleanupError?: CniError | undefined;
  /** The single failures that a `gc_failed` error sums up. */
  readonly errors?: readonly CniError[] | undefined;
  readonly cause?: unknown;
}

/** The one error class of this package. */
export class CniError extends Error {
  override readonly name = "CniError";
  readonly code: CniErrorCode;
  readonly plugin: string | undefined;
  readonly command: CniCommand | undefined;
  readonly cniCode: number | undefined;
  readonly msg: string;
  readonly details: string | undefined;
  readonly stderr: string | undefined;
  readonly exitCode: number | undefined;
  readonly cleanupError: CniError | undefined;
  readonly errors: readonly CniError[];

  constructor(code: CniErrorCode, message: string, fields: CniErrorFields = {}) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.code = code;
    this.plugin = fields.plugin;
    this.command = fields.command;
    this.cniCode = fields.cniCode;
    this.msg = fields.msg ?? message;
    this.details = fields.details;
    this.stderr = fields.stderr;
    this.exitCode = fields.exitCode;
    this.cleanupError = fields.cleanupError;
    this.errors = fields.errors ?? [];
  }

  /**
   * Returns the error itself when it is a CniError, and otherwise wraps it, so
   * that whatever leaves this package has a code.
   */
  static from(
    reason: unknown,
    code: CniErrorCode,
    context: string,
    fields: CniErrorFields = {},
  ): CniError {
    if (reason instanceof CniError) return reason;
    const text = reason instanceof Error ? reason.message : String(reason);
    return new CniError(code, `${context}: ${text}`, { ...fields, cause: reason });
  }

  /** A copy of this error that also tells why the clean-up after it failed. */
  withCleanupError(cleanupError: CniError): CniError {
    return new CniError(this.code, `${this.message} (clean-up: ${cleanupError.message})`, {
      plugin: this.plugin,
      command: this.command,
      cniCode: this.cniCode,
      msg: this.msg,
      details: this.details,
      stderr: this.stderr,
      exitCode: this.exitCode,
      errors: this.errors,
      cleanupError,
      cause: this.cause,
    });
  }
}
