import { findKnown, isFailureOf, type KnownFailure } from "./known-failures.ts";
import type { Outcome } from "./outcome.ts";

/** What an outcome means for the run. */
export interface Judged extends Outcome {
  /** `fixed`: on the list of known failures, but it passes; the list must be shortened. */
  readonly verdict: "passed" | "skipped" | "known" | "failed" | "fixed";
  /** Why the failure is known. */
  readonly known?: string;
}

/** Counts of a run; `failed` is what makes it fail. */
export interface Verdict {
  readonly checks: readonly Judged[];
  readonly passed: number;
  readonly skipped: number;
  readonly known: number;
  readonly failed: number;
}

/**
 * Judges outcomes by the list of known failures: a failure that it does not name fails the run, and so does a
 * known one that passes, since the list would hide the next time it breaks.
 */
export function judge(
  outcomes: readonly Outcome[],
  list: readonly KnownFailure[],
  engine: string,
): Verdict {
  const checks = outcomes.map((outcome): Judged => {
    const known = findKnown(list, outcome.name, engine);
    if (known === undefined || outcome.state === "skipped") {
      return { ...outcome, verdict: outcome.state };
    }
    if (outcome.state === "failed" && !isFailureOf(known, outcome.reason)) {
      return { ...outcome, verdict: "failed" };
    }
    const verdict = outcome.state === "passed" ? "fixed" : "known";
    return { ...outcome, verdict, known: known.reason };
  });
  const count = (...verdicts: Judged["verdict"][]): number =>
    checks.filter(({ verdict }) => verdicts.includes(verdict)).length;
  return {
    checks,
    passed: count("passed"),
    skipped: count("skipped"),
    known: count("known"),
    failed: count("failed", "fixed"),
  };
}
