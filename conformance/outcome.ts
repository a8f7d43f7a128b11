/** How one check went. */
export interface Outcome {
  /** Full name of the spec or check; the key of the list of known failures. */
  readonly name: string;
  readonly state: "passed" | "failed" | "skipped";
  /** Why it failed or was skipped; empty when it passed. */
  readonly reason: string;
  readonly seconds: number;
  /** How often it ran until it passed, where that is more than once. */
  readonly attempts?: number;
}
