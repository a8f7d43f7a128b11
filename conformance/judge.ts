import type { LabConfig } from "../lab/config.ts";
import type { LabEnv } from "../lab/env.ts";
import type { KnownFailure } from "./known-failures.ts";
import type { Outcome } from "./outcome.ts";

/** What judges the daemon. */
export interface Judge {
  /** Its name and version. */
  readonly title: string;
  /** What its reports' files are named after, besides the engine. */
  readonly suffix: string;
  /** Judges of one lock take turns on a machine: they use fixed ports of it. */
  readonly lock: string;
  readonly knownFailures: readonly KnownFailure[];
  /** Puts checks to the daemon that answers there; `folder` is for what they write. */
  run(config: LabConfig, lab: LabEnv, endpoint: string, folder: string): Promise<Outcome[]>;
}
