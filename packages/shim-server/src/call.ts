/** What a handler knows of its call. */
export interface CallContext {
  /** Fires when the caller's deadline has passed or the caller has gone. */
  readonly signal: AbortSignal;
}
