/**
 * What went wrong, independent of the wording of the engine:
 *
 * - `not_found` (404), `conflict` (409), `invalid_argument` (400), `unauthorized` (401),
 *   `forbidden` (403), `not_modified` (304), `server_error` (500 and anything unforeseen),
 *   `not_implemented` (501, 405, or this engine's API version lacks the feature);
 * - `unavailable`: the engine cannot be reached, cut the connection, or answered 503;
 * - `registry_unavailable`: the engine cannot reach an image's registry, or that one is overloaded
 *   or broken;
 * - `no_space`: a disk of the engine is full;
 * - `deadline_exceeded`: `requestTimeoutMs` or an `AbortSignal.timeout()` ran out;
 * - `canceled`: the caller's signal or `close()` ended the call;
 * - `unsupported_api`: the engine's API versions don't overlap with the client's.
 */
export type DockerErrorCode =
  | "not_found"
  | "conflict"
  | "invalid_argument"
  | "unauthorized"
  | "forbidden"
  | "not_modified"
  | "unavailable"
  | "registry_unavailable"
  | "no_space"
  | "server_error"
  | "deadline_exceeded"
  | "canceled"
  | "unsupported_api"
  | "not_implemented";

/** What a {@link DockerError} is made of. */
export interface DockerErrorOptions {
  /** The class of the failure. */
  code: DockerErrorCode;
  /** What was attempted, such as `containers.start`. */
  operation: string;
  /** The engine's own words, verbatim, or a description when the engine said nothing. */
  engineMessage: string;
  /** HTTP status of the engine's reply, when there was one. */
  status?: number | undefined;
  /** The underlying error, when there was one. */
  cause?: unknown;
}

/** The only error class that this package throws. */
export class DockerError extends Error {
  /** The class of the failure. */
  readonly code: DockerErrorCode;
  /** HTTP status of the engine's reply; undefined when no reply came. */
  readonly status: number | undefined;
  /** The engine's message, verbatim, without the operation's name. */
  readonly engineMessage: string;
  /** What was attempted, such as `containers.start`. */
  readonly operation: string;

  /** Builds the error; its `message` is `<operation>: <engineMessage>`. */
  constructor(options: DockerErrorOptions) {
    super(
      `${options.operation}: ${options.engineMessage}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.name = "DockerError";
    this.code = options.code;
    this.status = options.status;
    this.engineMessage = options.engineMessage;
    this.operation = options.operation;
  }
}

/** Whether `reason` is a {@link DockerError}, optionally with one of the given codes. */
export function isDockerError(
  reason: unknown,
  ...codes: readonly DockerErrorCode[]
): reason is DockerError {
  return reason instanceof DockerError && (codes.length === 0 || codes.includes(reason.code));
}
