/** What every call takes. */
export interface CallOptions {
  /**
   * Ends the call at any stage: before it is sent, while waiting, while the reply or stream is
   * read. The socket is given up, and the call fails with `canceled`, or `deadline_exceeded` if
   * the signal's reason is a `TimeoutError` (as of `AbortSignal.timeout()`).
   */
  signal?: AbortSignal | undefined;
}

/**
 * The engine's filters: a name and the accepted values, such as
 * `{ label: ["a=b"], status: ["running"] }`. Different names are and-ed; values of one name are
 * or-ed, except for `label`, where all must match.
 */
export type Filters = Readonly<Record<string, readonly string[]>>;

/**
 * Go marshals unset slices, maps and pointers as null, so that every member of an inspected
 * request body may come back as null.
 */
export type OrNull<T> = { [K in keyof T]: T[K] | null };
