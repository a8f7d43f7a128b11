import { rmSync } from "node:fs";
import { type Copying, createCopying, type LogReporter } from "./copying.js";
import { createCopyBuffers } from "./entry-conversion.js";
import type { LogLagRecorder } from "./log-lag.js";
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

/** Output is gathered for so long: a line is read so much later at most. */
const gatherMs = 20;
/** Who writes more than this in one {@link gatherMs} is polled: watching costs more there. */
const busyBytes = 16 * 1024;
const busyMs = 200;
/** How often blocked copies try again, and unwatched ones are looked at. */
const tickMs = 1_000;
/** Every so many ticks all are looked at, in case the kernel dropped a notification. */
const auditTicks = 10;
/** Who has been quiet for so long is looked at every sixth time only: it says next to nothing. */
const quietMs = 60_000;
const quietAuditTicks = 60;
const restAfterMs = 5_000;
/** A removed container's last words, in steps. */
const lastSteps = 1_024;

/**
 * Makes the scheduler.
 *
 * Copies take turns of one buffer each, so that one that writes much delays the others by
 * milliseconds. A quiet container costs one inotify watch and no descriptor.
 */
export function createLogScheduler(report: LogReporter, lag: LogLagRecorder): LogScheduler {
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
    const auditQuiet = ticks % quietAuditTicks === 0;
    const now = Date.now();
    for (const copying of copies.values()) {
      if (!copying.resting && now - copying.lastNews > restAfterMs && isQuiet(copying)) {
        copying.attempt(() => copying.copy.rest());
        copying.resting = true;
      }
      const audited = now - copying.lastNews > quietMs ? auditQuiet : audit;
      if ((audited || !copying.watch.armed) && isQuiet(copying)) {
        if (copying.hasNews()) run(copying);
        else if (!copying.watch.armed && copying.watch.arm()) run(copying);
      }
    }
  }, tickMs);

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
      if (copies.get(copying.id) === copying) takeTurn(copying);
    }
  }

  function takeTurn(copying: Copying): void {
    let taken = 0;
    copying.resting = false;
    const worked = copying.attempt(() => {
      taken = copying.copy.step();
    });
    if (!worked) {
      blocked.add(copying);
      lag.behind(copying.id);
      copying.tellBlocked();
      return;
    }
    const now = Date.now();
    if (taken > 0) copying.lastNews = now;
    if (taken >= busyBytes) {
      copying.busyUntil = now + busyMs;
      copying.watch.disarm();
    }
    const full = taken >= buffers.input.length / 2;
    if (full) lag.behind(copying.id);
    else lag.caughtUp(copying.id);
    if (full) run(copying);
    else if (copying.ending) finishSettling(copying, taken);
    else if (now < copying.busyUntil) pollLater(copying);
    // What came before the watch began is found by one more look.
    else if (!copying.watch.armed && copying.watch.arm()) run(copying);
    else if (taken > 0) run(copying);
  }

  function finishSettling(copying: Copying, taken: number): void {
    if (taken > 0) run(copying);
    else if (!copying.copy.atEnd) pollLater(copying);
    else end(copying);
  }

  function end(copying: Copying): void {
    copies.delete(copying.id);
    lag.caughtUp(copying.id);
    runnable.delete(copying);
    polled.delete(copying);
    blocked.delete(copying);
    copying.watch.disarm();
    copying.attempt(() => copying.copy.rest());
    copying.tellEnd();
  }

  function copyingOf(job: LogCopyJob): Copying {
    const known = copies.get(job.id);
    if (known !== undefined) return known;
    const copying = createCopying(job, buffers, report, (changed) => {
      if (isQuiet(changed)) pollLater(changed);
    });
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
      if (fresh && !copying.hasNews()) {
        copies.delete(job.id);
        return;
      }
      const ended = copying.ended();
      copying.ending = true;
      blocked.delete(copying);
      polled.delete(copying);
      run(copying);
      await ended;
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
          copying.attempt(() => {
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
