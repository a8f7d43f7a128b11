import { type FSWatcher, rmSync, watch } from "node:fs";
import { dirname } from "node:path";
import { createCopyBuffers, createLogCopy, type LogCopy } from "./log-copy.js";
import type { LogLagRecorder } from "./log-lag.js";
import { createLogPositionFile } from "./log-position.js";
import type { LogCopyJob } from "./log-thread-protocol.js";

/** Runs the copies of all containers in one thread. */
export interface LogScheduler {
  /** Copies from now on. @throws when the log file cannot be made; it is tried again by itself. */
  follow(job: LogCopyJob): void;
  /**
   * Settles when all that Docker holds was copied, and ends the copy.
   *
   * @throws when the log takes nothing; the copy goes on trying.
   */
  settle(job: LogCopyJob): Promise<void>;
  reopen(job: LogCopyJob): void;
  remove(id: string, position: string): void;
  /** Saves all positions and ends. */
  close(): void;
}

interface Copying {
  readonly job: LogCopyJob;
  readonly copy: LogCopy;
  watcher: FSWatcher | undefined;
  /** Until then it is polled instead of watched, for it writes much. */
  busyUntil: number;
  lastNews: number;
  /** Whether its files are closed. */
  resting: boolean;
  /** Why the log takes nothing at present. */
  problem: string | undefined;
  problemSince: number;
  /** Whether the container has ended, so that the copy ends with what Docker holds. */
  ending: boolean;
  waiting: PromiseWithResolvers<void>[];
}

/** Output is gathered for so long: a line is read so much later at most. */
const gatherMs = 20;
/** Who writes more than this in one {@link gatherMs} is polled: watching costs more there. */
const busyBytes = 16 * 1024;
const busyMs = 200;
/** How often blocked copies try again, and unwatched ones are looked at. */
const tickMs = 1_000;
/** Every so many ticks all are looked at, in case the kernel dropped a notification. */
const auditTicks = 10;
const restAfterMs = 5_000;
/** Those who wait for a log that takes nothing are told after so long. */
const giveUpMs = 2_000;
/** A removed container's last words, in steps. */
const lastSteps = 1_024;

/**
 * Makes the scheduler.
 *
 * Copies take turns of one buffer each, so that one that writes much delays the others by
 * milliseconds. A quiet container costs one inotify watch and no descriptor.
 */
export function createLogScheduler(
  report: (level: "info" | "warn", container: string, message: string) => void,
  lag: LogLagRecorder,
): LogScheduler {
  const buffers = createCopyBuffers();
  const copies = new Map<string, Copying>();
  const runnable = new Set<Copying>();
  const polled = new Set<Copying>();
  const blocked = new Set<Copying>();
  let round: NodeJS.Immediate | undefined;
  let poll: NodeJS.Timeout | undefined;
  let ticks = 0;

  const tick = setInterval(() => {
    for (const copying of blocked) run(copying);
    blocked.clear();
    const audit = ++ticks % auditTicks === 0;
    const now = Date.now();
    for (const copying of copies.values()) {
      if (!copying.resting && now - copying.lastNews > restAfterMs && isQuiet(copying)) {
        attempt(copying, () => copying.copy.rest());
        copying.resting = true;
      }
      if ((audit || copying.watcher === undefined) && isQuiet(copying)) {
        if (hasNews(copying)) run(copying);
        else if (copying.watcher === undefined && arm(copying)) run(copying);
      }
    }
  }, tickMs);

  /** A failed look is a reason for a turn, where failures are dealt with. */
  function hasNews(copying: Copying): boolean {
    try {
      return copying.copy.hasNews();
    } catch {
      return true;
    }
  }

  function isQuiet(copying: Copying): boolean {
    return !runnable.has(copying) && !polled.has(copying) && !blocked.has(copying);
  }

  function run(copying: Copying): void {
    runnable.add(copying);
    round ??= setImmediate(runRound);
  }

  function pollLater(copying: Copying): void {
    polled.add(copying);
    poll ??= setTimeout(() => {
      poll = undefined;
      const due = [...polled];
      polled.clear();
      due.forEach(run);
    }, gatherMs);
  }

  function runRound(): void {
    round = undefined;
    const turn = [...runnable];
    runnable.clear();
    for (const copying of turn) {
      if (copies.get(copying.job.id) === copying) takeTurn(copying);
    }
  }

  function takeTurn(copying: Copying): void {
    let taken = 0;
    copying.resting = false;
    const worked = attempt(copying, () => {
      taken = copying.copy.step();
    });
    if (!worked) {
      blocked.add(copying);
      lag.behind(copying.job.id);
      giveUpWaiting(copying);
      return;
    }
    const now = Date.now();
    if (taken > 0) copying.lastNews = now;
    if (taken >= busyBytes) {
      copying.busyUntil = now + busyMs;
      disarm(copying);
    }
    const full = taken >= buffers.input.length / 2;
    if (full) lag.behind(copying.job.id);
    else lag.caughtUp(copying.job.id);
    if (full) run(copying);
    else if (copying.ending) finishSettling(copying, taken);
    else if (now < copying.busyUntil) pollLater(copying);
    // What came before the watch began is found by one more look.
    else if (copying.watcher === undefined && arm(copying)) run(copying);
    else if (taken > 0) run(copying);
  }

  function finishSettling(copying: Copying, taken: number): void {
    if (taken > 0) run(copying);
    else if (!copying.copy.atEnd) pollLater(copying);
    else end(copying);
  }

  function end(copying: Copying): void {
    copies.delete(copying.job.id);
    lag.caughtUp(copying.job.id);
    runnable.delete(copying);
    polled.delete(copying);
    blocked.delete(copying);
    disarm(copying);
    attempt(copying, () => copying.copy.rest());
    for (const { resolve } of copying.waiting) resolve();
  }

  /** Nobody is kept waiting for a disk that stays full. */
  function giveUpWaiting(copying: Copying): void {
    if (Date.now() - copying.problemSince < giveUpMs) return;
    for (const { reject } of copying.waiting) reject(new Error(copying.problem));
    copying.waiting = [];
  }

  function arm(copying: Copying): boolean {
    if (copying.watcher !== undefined) return true;
    try {
      const watcher = watch(dirname(copying.job.source), () => {
        if (isQuiet(copying)) pollLater(copying);
      });
      watcher.on("error", () => disarm(copying));
      copying.watcher = watcher;
      return true;
    } catch {
      // The kernel grants no more watches, or the folder is not there: the tick looks instead.
      return false;
    }
  }

  function disarm(copying: Copying): void {
    copying.watcher?.close();
    copying.watcher = undefined;
  }

  /** Returns false, and tells once, when the log takes nothing. */
  function attempt(copying: Copying, work: () => void): boolean {
    try {
      work();
    } catch (err) {
      const { message } = err as Error;
      if (copying.problem === undefined) copying.problemSince = Date.now();
      if (copying.problem !== message) report("warn", copying.job.id, message);
      copying.problem = message;
      return false;
    }
    if (copying.problem !== undefined) report("info", copying.job.id, "the log is written again");
    copying.problem = undefined;
    return true;
  }

  function copyingOf(job: LogCopyJob): Copying {
    const known = copies.get(job.id);
    if (known !== undefined) return known;
    const copy = createLogCopy(
      {
        ...job,
        positions: createLogPositionFile(job.position),
        onProblem: (problem) => report("warn", job.id, problem),
      },
      buffers,
    );
    const copying: Copying = {
      job,
      copy,
      watcher: undefined,
      busyUntil: 0,
      lastNews: Date.now(),
      resting: false,
      problem: undefined,
      problemSince: 0,
      ending: false,
      waiting: [],
    };
    copies.set(job.id, copying);
    return copying;
  }

  return {
    follow(job) {
      const copying = copyingOf(job);
      copying.ending = false;
      run(copying);
      copying.copy.open();
    },
    async settle(job) {
      const fresh = !copies.has(job.id);
      const copying = copyingOf(job);
      if (fresh && !hasNews(copying)) {
        copies.delete(job.id);
        return;
      }
      const waiter = Promise.withResolvers<void>();
      copying.ending = true;
      copying.waiting.push(waiter);
      blocked.delete(copying);
      polled.delete(copying);
      run(copying);
      await waiter.promise;
    },
    reopen(job) {
      const copying = copyingOf(job);
      copying.resting = false;
      copying.lastNews = Date.now();
      copying.copy.reopen();
      run(copying);
    },
    remove(id, position) {
      const copying = copies.get(id);
      if (copying !== undefined) {
        // Files that are open can be read although Docker has removed them.
        if (!copying.resting) {
          attempt(copying, () => {
            for (let steps = 0; steps < lastSteps && copying.copy.step() > 0; steps++);
          });
        }
        end(copying);
      }
      rmSync(position, { force: true });
    },
    close() {
      clearInterval(tick);
      clearImmediate(round);
      clearTimeout(poll);
      for (const copying of [...copies.values()]) end(copying);
      copies.clear();
    },
  };
}
