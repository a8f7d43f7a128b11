import { createCriLogLines } from "./cri-log-lines.js";
import { entryAt, identityAt } from "./file-identity.js";
import { type LastStamp, readLastStamp } from "./last-stamp.js";
import { createLocalLogReader, findLocalLogEntry, type LocalLogEntry } from "./local-log-entry.js";
import type { LogPosition, LogPositionFile } from "./log-position.js";
import {
  absolutePath,
  type LogPath,
  type LogTarget,
  openLogTarget,
  openRenamedTarget,
} from "./log-target.js";
import { openRotatedSource, type RotatedSource } from "./rotated-source.js";

/** What a container's copy needs to know. */
export interface LogCopyOptions {
  /** Newest file of Docker's `local` log driver. */
  readonly source: string;
  readonly target: LogPath;
  readonly tty: boolean;
  readonly positions: LogPositionFile;
  /** Told what could not be kept, for the caller's own log. */
  readonly onProblem: (problem: string) => void;
}

/** Memory that all copies of a thread share; a step leaves nothing in it. */
export interface CopyBuffers {
  readonly input: Buffer;
  readonly output: Buffer;
}

/** Copies one container's messages from Docker's files to its CRI log. */
export interface LogCopy {
  /**
   * Copies a buffer's worth.
   *
   * @returns How many bytes of Docker's files it took: 0 when there is nothing more for now.
   * @throws What the system says when the log takes nothing. The next step tries again; nothing is
   * lost by that.
   */
  step(): number;
  /** Whether the last step, which returned 0, was at the end of all that Docker holds. */
  readonly atEnd: boolean;
  /** Makes sure that the log file is there. */
  open(): void;
  /**
   * Goes on in a new file at the log path, if the one it had was renamed.
   *
   * @throws What the system says; the old file is gone on with then.
   */
  reopen(): void;
  /** Whether Docker holds more than was copied, or a different file; asked without opening any. */
  hasNews(): boolean;
  /**
   * Saves the position and closes all files; the next step opens them again. Lines that the log
   * did not take are read from Docker's files again then.
   */
  rest(): void;
}

/** A crash costs reading so many bytes again at most, besides what Docker has rotated. */
const saveEveryBytes = 4 * 1024 * 1024;

/** How often it is looked whether the log file still has a name. */
const removedCheckMs = 1_000;

export function createCopyBuffers(inputBytes: number = 128 * 1024): CopyBuffers {
  // The shortest message is 26 bytes and its line 42; see lineRoom.
  return { input: Buffer.alloc(inputBytes), output: Buffer.alloc(2 * inputBytes) };
}

/**
 * Makes the copy of one container.
 *
 * Our file is a pure function of Docker's. So the saved position may be old: after a crash,
 * Docker's messages from there on are turned into the same bytes again, of which as many are left
 * out as our file already holds. Nothing is lost or doubled, wherever a write was cut.
 */
export function createLogCopy(options: LogCopyOptions, buffers: CopyBuffers): LogCopy {
  const { positions, onProblem } = options;
  const { input, output } = buffers;
  const reader = createLocalLogReader();
  const lines = createCriLogLines(options);
  let source: RotatedSource | undefined;
  let target: LogTarget | undefined;
  let targetLength = 0;
  /** Bytes that our file holds already. */
  let skip = 0;
  /** Set while messages up to a stamp are left out, for want of a position. */
  let copiedUpTo: LastStamp | undefined;
  let copiedWithStamp = 0;
  /** Lines that the target did not take. */
  let pending: Buffer | undefined;
  let pendingWithinLine = false;
  let reopenWhenCaughtUp = false;
  let unsaved = 0;
  let saveProblem = "";
  let checkedAt = 0;
  let atEnd = false;
  let last: { identity: string; offset: number } | undefined;

  function open(): boolean {
    if (source !== undefined && target !== undefined) return true;
    const saved = positions.load();
    target ??= openTargetFor(saved);
    const opened = openRotatedSource({
      path: options.source,
      from: saved && { identity: saved.source, offset: saved.sourceOffset },
      onGap: onProblem,
    });
    if (opened === undefined) return false;
    source = opened.source;
    if (!opened.resumed) {
      if (saved !== undefined) onProblem("the engine rotated its files past the saved position");
      resumeByStamp(target);
    }
    save();
    return true;
  }

  function openTargetFor(saved: LogPosition | undefined): LogTarget {
    const path = absolutePath(options.target);
    const present = entryAt(path);
    skip = 0;
    reopenWhenCaughtUp = false;
    let found: LogTarget;
    let base: number | undefined;
    const renamed =
      saved !== undefined &&
      present?.identity !== saved.target &&
      saved.nextTargetOffset === undefined
        ? openRenamedTarget(options.target, saved.target)
        : undefined;
    if (renamed !== undefined) {
      found = renamed;
      base = saved?.targetOffset;
      reopenWhenCaughtUp = present !== undefined;
    } else {
      found = openLogTarget(options.target);
      base = found.identity === saved?.target ? saved.targetOffset : saved?.nextTargetOffset;
    }
    targetLength = found.openedSize;
    if (base !== undefined) skip = Math.max(0, targetLength - base);
    checkedAt = Date.now();
    return found;
  }

  function resumeByStamp(opened: LogTarget): void {
    skip = 0;
    copiedUpTo = readLastStamp(opened.fd, targetLength);
    copiedWithStamp = 0;
    if (copiedUpTo === undefined || copiedUpTo.wholeBytes === targetLength) return;
    opened.truncate(copiedUpTo.wholeBytes);
    targetLength = copiedUpTo.wholeBytes;
  }

  function wasCopied({ seconds, nanos }: LocalLogEntry): boolean {
    if (copiedUpTo === undefined) return false;
    const order = seconds - copiedUpTo.seconds || nanos - copiedUpTo.nanos;
    if (order < 0) return true;
    if (order === 0 && copiedWithStamp < copiedUpTo.lines) {
      copiedWithStamp++;
      return true;
    }
    copiedUpTo = undefined;
    return false;
  }

  function save(): void {
    const here = currentPosition();
    if (here === undefined) return;
    unsaved = 0;
    try {
      positions.save(here);
      saveProblem = "";
    } catch (err) {
      // An old position is as good, it only costs more reading after a crash.
      const { message } = err as Error;
      if (message !== saveProblem) onProblem(`could not save the log position: ${message}`);
      saveProblem = message;
    }
  }

  /** The position, where the lengths of both files belong together. */
  function currentPosition(): LogPosition | undefined {
    const at = source?.position;
    if (at === undefined || target === undefined) return undefined;
    if (pending !== undefined || skip > 0 || copiedUpTo !== undefined) return undefined;
    return {
      source: at.identity,
      sourceOffset: at.offset,
      target: target.identity,
      targetOffset: targetLength,
    };
  }

  /** Writes whatever the target takes; the rest waits, and the error is thrown. */
  function append(opened: LogTarget, bytes: Buffer, from: number, to: number): void {
    let at = from;
    try {
      while (at < to) {
        const written = opened.append(bytes, at, to);
        at += written;
        targetLength += written;
      }
      pending = undefined;
    } catch (err) {
      pendingWithinLine = at === from ? pendingWithinLine : bytes[at - 1] !== 0x0a;
      pending = Buffer.from(bytes.subarray(at, to));
      throw err;
    }
  }

  /** A log file, or its whole folder, may be removed under us. */
  function replaceRemovedTarget(): void {
    const now = Date.now();
    if (target === undefined || now - checkedAt < removedCheckMs) return;
    checkedAt = now;
    if (!target.isRemoved()) return;
    const next = openLogTarget(options.target);
    target.close();
    target = next;
    targetLength = next.openedSize;
    skip = 0;
    // The beginning of this line went with the old file.
    if (pending !== undefined && pendingWithinLine) {
      pending = pending.subarray(pending.indexOf(0x0a) + 1);
    }
    save();
  }

  function convert(length: number): { consumed: number; produced: number } {
    const { entry } = reader;
    let at = 0;
    let produced = 0;
    for (;;) {
      const result = reader.read(input, at, length);
      if (result === "entry") {
        if (!wasCopied(entry)) produced = lines.write(entry, input, output, produced);
        at = entry.next;
      } else if (result === "incomplete") {
        return { consumed: at, produced };
      } else {
        const found = findLocalLogEntry(reader, input, at, length);
        if (found === at) return { consumed: at, produced };
        onProblem(`${found - at} bytes in the engine's log file are no messages`);
        at = found;
      }
    }
  }

  function step(): number {
    atEnd = false;
    if (!open() || source === undefined || target === undefined) {
      atEnd = true;
      return 0;
    }
    replaceRemovedTarget();
    if (pending !== undefined) append(target, pending, 0, pending.length);
    source.refresh();
    const length = source.read(input);
    const { consumed, produced } = convert(length);
    source.consume(consumed);
    const from = Math.min(skip, produced);
    skip -= from;
    pendingWithinLine = from > 0 && output[from - 1] !== 0x0a;
    append(target, output, from, produced);
    if (reopenWhenCaughtUp && skip === 0 && copiedUpTo === undefined) {
      reopenWhenCaughtUp = false;
      reopen();
    }
    unsaved += consumed;
    if (consumed === 0 && source.advance()) {
      if (length > 0)
        onProblem(`${length} bytes at the end of the engine's log file are no message`);
      save();
      return Math.max(1, length);
    }
    if (unsaved >= saveEveryBytes) save();
    if (consumed === 0) {
      // All that there is was copied before, whatever the stamps said.
      copiedUpTo = undefined;
      skip = 0;
      atEnd = source.atNewest;
    }
    last = source.position;
    return consumed;
  }

  function reopen(): void {
    if (!open() || target === undefined) return;
    reopenWhenCaughtUp = false;
    if (pending !== undefined) append(target, pending, 0, pending.length);
    while ((skip > 0 || copiedUpTo !== undefined) && step() > 0);
    const present = entryAt(absolutePath(options.target));
    if (present?.identity === target.identity) return;
    const here = currentPosition();
    // From here on a crash finds that the old file is complete, and goes on in a new one.
    if (here !== undefined) positions.save({ ...here, nextTargetOffset: present?.size ?? 0 });
    try {
      const next = openLogTarget(options.target);
      target.close();
      target = next;
      targetLength = next.openedSize;
    } finally {
      save();
    }
  }

  function close(): void {
    source?.close();
    target?.close();
    source = undefined;
    target = undefined;
    pending = undefined;
    copiedUpTo = undefined;
    skip = 0;
  }

  return {
    step,
    get atEnd() {
      return atEnd;
    },
    open() {
      open();
    },
    reopen,
    hasNews() {
      const present = identityAt(options.source);
      if (present === undefined) return false;
      last ??= lastSaved(positions.load());
      return present.identity !== last?.identity || present.size !== last.offset;
    },
    rest() {
      save();
      close();
    },
  };
}

function lastSaved(
  saved: LogPosition | undefined,
): { identity: string; offset: number } | undefined {
  return saved && { identity: saved.source, offset: saved.sourceOffset };
}
