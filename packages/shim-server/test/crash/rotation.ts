import { existsSync, readFileSync, renameSync, statSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { until } from "@dockershim/testing";

/** When the daemon is killed over a log's rotation. */
export const rotationMoments = [
  "before the call",
  "with the call on its way",
  "with the new file there",
  "with the position written",
  "after the reply",
] as const;
export type RotationMoment = (typeof rotationMoments)[number];

/** What there is of a rotation: the log, the daemon's position in it, and the call. */
export interface Rotation {
  readonly log: string;
  readonly position: string;
  reopen(): Promise<unknown>;
}

/** Renames a log and asks for a new one, as a kubelet does, and kills the daemon at that moment. */
export async function killOverRotation(
  { log, position, reopen }: Rotation,
  moment: RotationMoment,
  kill: () => Promise<void>,
): Promise<void> {
  const before = readFileSync(position);
  renameSync(log, `${log}.1`);
  if (moment === "before the call") return await kill();
  const call = reopen().catch(() => undefined);
  await {
    "with the call on its way": () => delay(0),
    "with the new file there": () => until(() => existsSync(log), { everyMs: 0 }),
    "with the position written": () =>
      until(() => !before.equals(readFileSync(position)), { everyMs: 0 }),
    "after the reply": () => call,
  }[moment]();
  await kill();
}

/** Goes on as a kubelet does after a call that failed: it renames back, and has it rotated again. */
export async function rotateAgain({ log, reopen }: Rotation): Promise<void> {
  // A daemon that had made the new file has done its part.
  if (!existsSync(log)) renameSync(`${log}.1`, log);
  renameSync(log, `${log}.2`);
  await reopen();
  statSync(log);
}
