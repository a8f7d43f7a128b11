import type { EventEmitter } from "node:events";
import type { Shim } from "@dockershim/shim-server";
import { CliError } from "./cli-error.js";

export interface DaemonControl {
  /** Emits the signals; `process`. */
  signals: EventEmitter;
  /** Ends the process at once; `process.exit`. */
  exit(code: number): void;
  /** How long the daemon may take to close after the first signal, in milliseconds. */
  closeDeadlineMs?: number;
}

const signalNumbers = { SIGINT: 2, SIGTERM: 15 } as const;

/**
 * Runs a daemon until SIGTERM or SIGINT, then closes it. A second signal ends the
 * process without waiting, with 128 and the signal's number as shells have it.
 *
 * @throws CliError failure when it doesn't close in time, and whatever start() and
 *   close() throw.
 */
export async function runDaemon(start: () => Promise<Shim>, control: DaemonControl): Promise<void> {
  const { signals, exit, closeDeadlineMs = 4_800 } = control;
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
      stopped.resolve();
    };
    signals.on(name, listener);
    return { name, listener };
  });
  try {
    const run = async () => {
      const shim = await start();
      await stopped.promise;
      await shim.close();
    };
    await Promise.race([run(), late.promise]);
  } finally {
    clearTimeout(deadline);
    for (const { name, listener } of listeners) signals.off(name, listener);
  }
}
