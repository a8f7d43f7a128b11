import { writeSync } from "node:fs";
import { emitKeypressEvents } from "node:readline";
import type { ReadStream, WriteStream } from "node:tty";

/** The alternate screen without a cursor, and back: what a terminal showed before stays. */
const enter = "\u001b[?1049h\u001b[?25l\u001b[2J";
const leave = "\u001b[?25h\u001b[?1049l";
/** Terminals that know it show what is between these at once. */
const beginFrame = "\u001b[?2026h";
const endFrame = "\u001b[?2026l";

interface KeyPress {
  readonly name?: string;
  readonly sequence?: string;
  readonly ctrl?: boolean;
}

export interface FullScreen {
  /** Shows lines: what has not changed is not written again. A frame is left out while the last one is on its way. */
  draw(lines: readonly string[]): void;
  readonly size: { readonly columns: number; readonly rows: number };
  /** Gives the terminal away while something else uses it; an interrupt meanwhile is not for this process. */
  suspend<T>(work: () => Promise<T>): Promise<T>;
  close(): void;
}

/** What happens on the screen's side. */
export interface ScreenEvents {
  key(key: { name: string | undefined; text: string; ctrl: boolean }): void;
  resize(): void;
}

/**
 * Takes a terminal whole, until it is closed, or the process ends in whichever way: then it is as before.
 *
 * @param stdin Is a terminal, as is stdout.
 */
export function openFullScreen(
  stdin: ReadStream,
  stdout: WriteStream,
  events: ScreenEvents,
): FullScreen {
  let shown: string[] = [];
  let isOpen = false;
  let behind = false;

  const onKey = (text: string | undefined, key: KeyPress): void =>
    events.key({ name: key.name, text: text ?? key.sequence ?? "", ctrl: key.ctrl === true });
  const onResize = (): void => {
    shown = [];
    stdout.write("\u001b[2J");
    events.resize();
  };
  const onDrain = (): void => {
    behind = false;
  };
  /** Synchronous, for the process may be ending. */
  const restore = (): void => {
    if (!isOpen) return;
    isOpen = false;
    try {
      writeSync((stdout as WriteStream & { fd: number }).fd, leave);
      stdin.setRawMode(false);
    } catch {
      // The terminal has gone.
    }
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    // Ctrl-C is for whatever has the terminal meanwhile, but the terminal tells all of the job.
    if (signal === "SIGINT" && !isOpen) return;
    restore();
    process.removeListener(signal, onSignal);
    process.kill(process.pid, signal);
  };
  const signals: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"];

  function open(): void {
    isOpen = true;
    behind = false;
    shown = [];
    stdin.setRawMode(true);
    stdin.resume();
    stdin.on("keypress", onKey);
    stdout.on("resize", onResize).on("drain", onDrain);
    stdout.write(enter);
  }
  function release(): void {
    stdin.off("keypress", onKey);
    stdout.off("resize", onResize).off("drain", onDrain);
    restore();
    stdin.pause();
  }

  emitKeypressEvents(stdin);
  process.on("exit", restore).on("uncaughtExceptionMonitor", restore);
  for (const signal of signals) process.on(signal, onSignal);
  open();
  return {
    draw(lines) {
      if (!isOpen || behind) return;
      const changed = lines.flatMap((line, row) =>
        line === shown[row] ? [] : [`\u001b[${row + 1};1H${line}\u001b[K`],
      );
      shown = [...lines];
      if (changed.length > 0) behind = !stdout.write(beginFrame + changed.join("") + endFrame);
    },
    get size() {
      return { columns: stdout.columns || 80, rows: stdout.rows || 24 };
    },
    async suspend(work) {
      release();
      try {
        return await work();
      } finally {
        open();
      }
    },
    close() {
      release();
      process.off("exit", restore).off("uncaughtExceptionMonitor", restore);
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}
