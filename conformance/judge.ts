import type { LabConfig } from "../lab/config.ts";
import type { LabEnv } from "../lab/env.ts";
import type { KnownFailure } from "./known-failures.ts";
import type { Outcome } from "./outcome.ts";

/** One run of a judge. */
export interface JudgeRun {
  /** Where the daemon answers, as `unix:///path`. */
  readonly endpoint: string;
  /** For what the checks write. */
  readonly folder: string;
  /** Hears of all outcomes so far, now and then, from judges that run for long. */
  soFar(outcomes: readonly Outcome[]): void;
}

/** What judges the daemon. */
export interface Judge {
  /** Its name and version. */
  readonly title: string;
  /** What its reports' files are named after, besides the engine. */
  readonly suffix: string;
  /** Judges of one lock take turns on a machine: they use fixed ports of it. */
  readonly lock: string;
  readonly knownFailures: readonly KnownFailure[];
  /** Puts checks to the daemon that answers there. */
  run(config: LabConfig, lab: LabEnv, run: JudgeRun): Promise<Outcome[]>;
}
