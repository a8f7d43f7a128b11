import { CliError, messageOf } from "../cli-error.js";
import type { Direction } from "./migration-facts.js";
import type { MigrationJournal, MigrationRecord } from "./migration-journal.js";
import { describeAction, type MigrationAction, type MigrationStep } from "./migration-step.js";

/** What a migration is done with. */
export interface MigrationTools {
  readonly journal: MigrationJournal;
  /** Does one thing on the node. */
  perform(action: MigrationAction, signal: AbortSignal): Promise<void>;
  /** Tells the operator a line. */
  tell(line: string): void;
}

/** A migration that is to be done, or gone on with. */
export interface MigrationOrder {
  readonly direction: Direction;
  readonly steps: readonly MigrationStep[];
  /** Steps that an earlier attempt has begun; the last of them is done again. */
  readonly begun: number;
  /** What is to be written down when it is done. */
  readonly finished: MigrationRecord;
}

/** How long one thing may take that takes something back, in ms. */
const undoDeadlineMs = 180_000;

/**
 * Does the steps one after the other. When one fails, or the signal fires, those that were begun are taken back,
 * the last one first.
 *
 * @returns Whether all was done.
 */
export async function runMigration(
  { direction, steps, begun, finished }: MigrationOrder,
  tools: MigrationTools,
  signal: AbortSignal,
): Promise<boolean> {
  const { journal, perform, tell } = tools;
  const earlier = await journal.read();
  const { takenFrom } = earlier;
  if (begun === 0 && earlier.running !== undefined) {
    throw new CliError("failure", `a migration is under way (pid ${earlier.running.pid})`);
  }
  let count = Math.max(begun - 1, 0);
  try {
    for (const { title, actions } of steps.slice(count)) {
      signal.throwIfAborted();
      count++;
      const running = { direction, steps, begun: count, pid: process.pid };
      await journal.write({ ...(takenFrom && { takenFrom }), running });
      tell(`[${count}/${steps.length}] ${title}`);
      for (const action of actions) {
        tell(`      ${describeAction(action)[0]}`);
        await perform(action, signal);
      }
    }
    signal.throwIfAborted();
    await journal.write(finished);
    return true;
  } catch (err) {
    const why = signal.aborted ? signal.reason : err;
    tell(`Failed: ${messageOf(why)}`);
    await undoMigration(steps, count, tools);
    return false;
  }
}

/**
 * Takes back the first so many steps, the last one first. What cannot be taken back is told, and the rest is
 * taken back all the same.
 *
 * @returns Whether all was taken back; otherwise it may be tried again.
 */
export async function undoMigration(
  steps: readonly MigrationStep[],
  begun: number,
  { journal, perform, tell }: MigrationTools,
): Promise<boolean> {
  const failed: string[] = [];
  for (const [index, { title, undo }] of [...steps.entries()].slice(0, begun).reverse()) {
    if (undo.length > 0) tell(`Taking back [${index + 1}/${steps.length}] ${title}`);
    for (const action of undo) {
      const [what = ""] = describeAction(action);
      tell(`      ${what}`);
      try {
        await perform(action, AbortSignal.timeout(undoDeadlineMs));
      } catch (err) {
        const why = messageOf(err);
        tell(`      this failed: ${why}`);
        failed.push(what);
      }
    }
  }
  if (failed.length > 0) {
    tell("Not everything could be taken back. By hand, or by `dockershim migrate` once more:");
    for (const what of failed) tell(`  - ${what}`);
    return false;
  }
  const { takenFrom } = await journal.read();
  await journal.write(takenFrom === undefined ? {} : { takenFrom });
  tell("All is as it was before.");
  return true;
}
