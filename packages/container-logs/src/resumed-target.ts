import type { LogPath } from "./log-path.js";
import type { LogPosition } from "./log-position.js";
import { type LogTarget, openLogTarget, openRenamedTarget, targetEntry } from "./log-target.js";

/** The file that a copy goes on in. */
export interface ResumedTarget {
  readonly target: LogTarget;
  /** How much it holds beyond the position that was saved. */
  readonly copiedBytes: number;
  /** Whether it was renamed, and another file is at the path: that one is to come after it. */
  readonly replaced: boolean;
}

/**
 * Opens the file that a saved position is about, wherever a rotation has moved it, or else the one
 * at the path, which is made if missing.
 */
export function resumeTarget(path: LogPath, saved: LogPosition | undefined): ResumedTarget {
  const present = targetEntry(path);
  const handedOver = saved?.nextTargetOffset !== undefined;
  if (saved !== undefined && present?.identity !== saved.target && !handedOver) {
    const renamed = openRenamedTarget(path, saved.target);
    if (renamed !== undefined) return resumed(renamed, saved.targetOffset, present !== undefined);
  }
  const target = openLogTarget(path);
  const isSaved = target.identity === saved?.target;
  return resumed(target, isSaved ? saved?.targetOffset : saved?.nextTargetOffset, false);
}

function resumed(target: LogTarget, offset: number | undefined, replaced: boolean): ResumedTarget {
  const copiedBytes = offset === undefined ? 0 : Math.max(0, target.openedSize - offset);
  return { target, copiedBytes, replaced };
}
