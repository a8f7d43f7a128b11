import type { EventEmitter } from "node:events";
import type { Shim, ShimOptions } from "@dockershim/shim-server";
import { CliError } from "../cli-error.js";

/** Hears of each change of a daemon's life. */
export interface DaemonObserver {
  started(shim: Shim): Promise<void>;
  reloading(): void;
  /** A failed reload has ended too. */
  reloaded(): void;
  stopping(): void;
}

export interface DaemonControl {
  /** Emits the signals; `process`. */
  signals: EventEmitter;
  /** Ends the process at once; {@link endProcess}. */
  exit(code: number): void;
  /** Told when the process is ended although something in it still runs. */
  onForcedEnd(): void;
  /** Reads the options anew, for SIGHUP. */
  readOptions(): Promise<Partial<ShimOptions>>;
  /** Told why a reload failed; the daemon goes on as it was. */
  onReloadFailed(reason: unknown): void;
  /** Hears what the daemon does. */
  observer?: DaemonObserver;
  /** How long the daemon may take to close after the first signal, in milliseconds. */
  closeDeadlineMs?: number;
}

/** What the last lines of the log, and what ends by itself, get after the daemon is closed, in ms. */
const lingerMs = 150;

const signalNumbers = { SIGINT: 2, SIGTERM: 15 } as const;

/**
 * Runs a daemon until SIGTERM or SIGINT, then closes it. A second signal ends the
 * process without waiting, with 128 and the signal's number as shells have it. Whatever is
 * left running after the close, the process ends a moment later. SIGHUP
 * reads the options again and reloads, one reload at a time.
 *
 * @throws CliError failure when it doesn't close in time, and whatever start() and
 *   close() throw.
 */
export async function runDaemon(start: () => Promise<Shim>, control: DaemonControl): Promise<void> {
  const { signals, exit, readOptions, onReloadFailed, observer, closeDeadlineMs = 4_800 } = control;
  const endAfterwards = (code: number): void => {
    const timer = setTimeout(() => {
      control.onForcedEnd();
      exit(code);
    }, lingerMs);
    // A process that has nothing more to do ends by itself.
    timer.unref();
  };
  const stopped = Promise.withResolvers<void>();
  const late = Promise.withResolvers<never>();
  let deadline: NodeJS.Timeout | undefined;

  const listeners = Object.entries(signalNumbers).map(([name, number]) => {
    const listener = () => {
      if (deadline) {
        exit(128 + number);
        return;
      }
      // Counted from the signal, also when it comes before the daemon is up.
      deadline = setTimeout(() => {
        late.reject(new CliError("failure", `did not close within ${closeDeadlineMs / 1_000} s`));
      }, closeDeadlineMs);
      observer?.stopping();
      stopped.resolve();
    };
    signals.on(name, listener);
    return { name, listener };
  });
  // One that comes before the daemon is up waits for that.
  const started = Promise.withResolvers<Shim>();
  started.promise.catch(() => undefined);
  let reloading: Promise<void> = Promise.resolve();
  const reload = async (): Promise<void> => {
    const shim = await started.promise;
    observer?.reloading();
    try {
      await shim.reload(await readOptions());
    } finally {
      observer?.reloaded();
    }
  };
  const onHangup = (): void => {
    reloading = reloading.then(reload).catch(onReloadFailed);
  };
  signals.on("SIGHUP", onHangup);
  try {
    const run = async () => {
      const shim = await start();
      await observer?.started(shim);
      started.resolve(shim);
      await stopped.promise;
      await shim.close();
    };
    await Promise.race([run(), late.promise]);
    endAfterwards(0);
  } catch (err) {
    endAfterwards(1);
    throw err;
  } finally {
    clearTimeout(deadline);
    signals.off("SIGHUP", onHangup);
    for (const { name, listener } of listeners) signals.off(name, listener);
  }
}

/**
 * Ends this process, with SIGKILL where nothing else can: Node's exit waits for its threads, and
 * one of them may be in a system call for ever.
 */
export function endProcess(code: number): void {
  const waiting = process
    .getActiveResourcesInfo()
    .some((kind) => /^(?:FS|GetAddr|GetName)/.test(kind));
  if (waiting) process.kill(process.pid, "SIGKILL");
  process.exit(code);
}
