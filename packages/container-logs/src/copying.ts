import type { CopyBuffers } from "./entry-conversion.js";
import { createLogCopy, type LogCopy } from "./log-copy.js";
import { createLogPositionFile } from "./log-position.js";
import type { LogCopyJob } from "./log-thread-protocol.js";
import { createSourceWatch, type SourceWatch } from "./source-watch.js";

/** Says something for the caller's own log. */
export type LogReporter = (level: "info" | "warn", container: string, message: string) => void;

/** The copy of one container as the scheduler knows it, with what its turns depend on. */
export interface Copying {
  readonly id: string;
  readonly copy: LogCopy;
  readonly watch: SourceWatch;
  /** Until then it is polled instead of watched, for it writes much. */
  busyUntil: number;
  lastNews: number;
  /** Whether its files are closed. */
  resting: boolean;
  /** Whether the container has ended, so that the copy ends with what Docker holds. */
  ending: boolean;
  /** Does some work. Returns false, and tells it once, when that failed. */
  attempt(work: () => void): boolean;
  /** Whether there is anything new; a failed look is a reason for a turn, too. */
  hasNews(): boolean;
  /** Settles with the end of the copy. */
  ended(): Promise<void>;
  /** Tells those who wait for the end that it is there. */
  tellEnd(): void;
  /** Tells them that the log takes nothing, once that is so for a while. */
  tellBlocked(): void;
}

/** Those who wait for a log that takes nothing are told after so long: a disk may stay full. */
const giveUpMs = 2_000;

export function createCopying(
  job: LogCopyJob,
  buffers: CopyBuffers,
  report: LogReporter,
  onChange: (copying: Copying) => void,
): Copying {
  const { id } = job;
  const copy = createLogCopy(
    {
      ...job,
      positions: createLogPositionFile(job.position),
      onProblem: (problem) => report("warn", id, problem),
    },
    buffers,
  );
  /** Why the log takes nothing at present. */
  let problem: Error | undefined;
  let problemSince = 0;
  let waiting: PromiseWithResolvers<void>[] = [];

  const copying: Copying = {
    id,
    copy,
    watch: createSourceWatch(job.source, () => onChange(copying)),
    busyUntil: 0,
    lastNews: Date.now(),
    resting: false,
    ending: false,
    attempt(work) {
      try {
        work();
      } catch (err) {
        const reason = err as Error;
        if (problem === undefined) problemSince = Date.now();
        if (problem?.message !== reason.message) report("warn", id, reason.message);
        problem = reason;
        return false;
      }
      if (problem !== undefined) report("info", id, "the log is written again");
      problem = undefined;
      return true;
    },
    hasNews() {
      try {
        return copy.hasNews();
      } catch {
        return true;
      }
    },
    ended() {
      const waiter = Promise.withResolvers<void>();
      waiting.push(waiter);
      return waiter.promise;
    },
    tellEnd() {
      for (const { resolve } of waiting) resolve();
      waiting = [];
    },
    tellBlocked() {
      if (problem === undefined || Date.now() - problemSince < giveUpMs) return;
      for (const { reject } of waiting) reject(problem);
      waiting = [];
    },
  };
  return copying;
}
