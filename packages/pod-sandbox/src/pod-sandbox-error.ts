/**
 * What went wrong, in terms that a server maps to its own status codes:
 *
 * - `invalid_argument`: the CRI config contradicts itself or CRI's rules.
 * - `unimplemented`: the config asks for what Docker, or this engine, cannot do.
 * - `failed_precondition`: the node lacks what the config asks for (AppArmor, a runtime).
 */
export type PodSandboxErrorCode = "invalid_argument" | "unimplemented" | "failed_precondition";

/**
 * The one error this package throws. Its message names the field and the reason, so that it
 * can be shown to the caller as it is.
 */
export class PodSandboxError extends Error {
  override readonly name = "PodSandboxError";
  readonly code: PodSandboxErrorCode;
  /** Path of the offending field in CRI's spelling, e.g. `config.metadata.name`. */
  readonly field: string;
  /** The reason alone, without the field. */
  readonly reason: string;

  /**
   * @param code what kind of refusal this is
   * @param field path of the field in CRI's spelling
   * @param reason a phrase that completes "field …", e.g. `must not be empty`
   * @param options `cause`: the error that led here, if any
   */
  constructor(
    code: PodSandboxErrorCode,
    field: string,
    reason: string,
    options?: { cause?: unknown },
  ) {
    super(`${field}: ${reason}`, options);
    this.code = code;
    this.field = field;
    this.reason = reason;
  }
}
