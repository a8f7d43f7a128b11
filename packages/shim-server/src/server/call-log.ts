import { Code, type ConnectError } from "@connectrpc/connect";
import type { Logger } from "pino";
import type { CallObserver } from "../observed/observers.js";

/** The one place that all calls pass when they are over, hot or not. */
export interface CallLog {
  /** @param started Of `performance.now()`. */
  succeeded(method: string, started: number): void;
  failed(method: string, started: number, err: ConnectError): void;
}

/** Failures that are the daemon's or the engine's fault, not the caller's. */
const faults = new Set([Code.Internal, Code.Unknown, Code.Unavailable, Code.DataLoss]);

/**
 * One line for a call that succeeded, at debug: a kubelet makes thousands an hour. One at a higher
 * level for a failure that is ours.
 *
 * @param engineAway Whether the engine is out of reach, which the log has been told then: calls
 * that fail for want of it are no news.
 */
export function createCallLog(
  log: Logger,
  engineAway: () => boolean,
  observe?: CallObserver,
): CallLog {
  return {
    succeeded(call, started) {
      observe?.(call, performance.now() - started, undefined);
      if (log.isLevelEnabled("debug")) log.debug({ call, ms: elapsed(started) }, "call");
    },
    failed(call, started, err) {
      observe?.(call, performance.now() - started, err.code);
      const known = err.code === Code.Unavailable && engineAway();
      const level = faults.has(err.code) && !known ? "warn" : "debug";
      log[level](
        { call, ms: elapsed(started), code: Code[err.code], error: err.rawMessage },
        "call failed",
      );
    },
  };
}

/** Milliseconds with three decimals. */
function elapsed(started: number): number {
  return Math.round((performance.now() - started) * 1000) / 1000;
}
