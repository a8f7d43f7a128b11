import { createCopiedBefore } from "./copied-before.js";
import { type CopyBuffers, createEntryConversion } from "./entry-conversion.js";
import { identityAt } from "./file-identity.js";
import type { LogPath } from "./log-path.js";
import type { LogPosition, LogPositionFile } from "./log-position.js";
import { openLogTarget, targetEntry } from "./log-target.js";
import { createLogWriter, type LogWriter } from "./log-writer.js";
import { resumeTarget } from "./resumed-target.js";
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
  const copied = createCopiedBefore();
  const convert = createEntryConversion({ tty: options.tty, copied, onProblem }, buffers);
  let source: RotatedSource | undefined;
  let writer: LogWriter | undefined;
  let reopenWhenCaughtUp = false;
  let unsaved = 0;
  let saveProblem = "";
  let atEnd = false;
  let last: { identity: string; offset: number } | undefined;

  /** Opens what is not open; undefined while Docker has no file. */
  function open(): { source: RotatedSource; writer: LogWriter } | undefined {
    if (source !== undefined && writer !== undefined) return { source, writer };
    const saved = positions.load();
    writer ??= openWriter(saved);
    const opened = openRotatedSource({
      path: options.source,
      from: saved && { identity: saved.source, offset: saved.sourceOffset },
      onGap: onProblem,
    });
    if (opened === undefined) return undefined;
    source = opened.source;
    if (!opened.resumed) {
      if (saved !== undefined) onProblem("the engine rotated its files past the saved position");
      copied.setStamp(writer.cutToLastStamp());
    }
    save();
    return { source, writer };
  }

  function openWriter(saved: LogPosition | undefined): LogWriter {
    const { target, copiedBytes, replaced } = resumeTarget(options.target, saved);
    copied.setBytes(copiedBytes);
    reopenWhenCaughtUp = replaced;
    return createLogWriter(target);
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
    if (at === undefined || writer === undefined) return undefined;
    if (writer.waits || copied.some) return undefined;
    return {
      source: at.identity,
      sourceOffset: at.offset,
      target: writer.identity,
      targetOffset: writer.length,
    };
  }

  function step(): number {
    atEnd = false;
    const files = open();
    if (files === undefined) {
      atEnd = true;
      return 0;
    }
    const { source, writer } = files;
    // A log file, or its whole folder, may be removed under us.
    if (writer.isRemoved()) {
      writer.moveTo(openLogTarget(options.target));
      copied.setBytes(0);
      save();
    }
    writer.flush();
    source.refresh();
    const length = source.read(input);
    const { consumed, produced } = convert(length);
    source.consume(consumed);
    writer.append(output, copied.takeBytes(produced), produced);
    if (reopenWhenCaughtUp && !copied.some) reopen();
    unsaved += consumed;
    if (consumed === 0 && source.advance()) {
      if (length > 0) {
        onProblem(`${length} bytes at the end of the engine's log file are no message`);
      }
      save();
      return Math.max(1, length);
    }
    if (unsaved >= saveEveryBytes) save();
    if (consumed === 0) {
      // All that there is was copied before, whatever the stamps said.
      copied.clear();
      atEnd = source.atNewest;
    }
    last = source.position;
    return consumed;
  }

  function reopen(): void {
    const files = open();
    if (files === undefined) return;
    const { writer } = files;
    reopenWhenCaughtUp = false;
    writer.flush();
    while (copied.some && step() > 0);
    const present = targetEntry(options.target);
    if (present?.identity === writer.identity) return;
    const here = currentPosition();
    // From here on a crash finds that the old file is complete, and goes on in a new one.
    if (here !== undefined) positions.save({ ...here, nextTargetOffset: present?.size ?? 0 });
    try {
      writer.moveTo(openLogTarget(options.target));
    } finally {
      save();
    }
  }

  function close(): void {
    source?.close();
    writer?.close();
    source = undefined;
    writer = undefined;
    copied.clear();
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
