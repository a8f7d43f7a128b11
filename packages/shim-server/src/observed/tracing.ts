/** Ends what was begun; given an error, as a failure. */
export type EndSpan = (error?: unknown) => void;

/** Spans of calls, and of what they ask of the engine and of CNI plugins. */
export interface Tracing {
  /**
   * Runs a CRI call within a span.
   *
   * @param traceparent The caller's, as W3C Trace Context has it in a header.
   */
  call<T>(path: string, traceparent: string | undefined, work: () => Promise<T>): Promise<T>;
  /** A span of a CRI call that has been answered already, in memory. */
  answered(path: string, traceparent: string | undefined, ms: number, error?: unknown): void;
  /** Begins a span below the call that runs. */
  begin(name: string): EndSpan;
  /** Sends what is left, for a second at most. */
  close(): Promise<void>;
}
