/** `unsupported-architecture`: there is no pause program for that architecture. */
export type PauseImageErrorCode = "unsupported-architecture";

/** The one error of this package. */
export class PauseImageError extends Error {
  override readonly name = "PauseImageError";
  readonly code: PauseImageErrorCode;

  constructor(code: PauseImageErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
