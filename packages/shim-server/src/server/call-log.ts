import { Code, type ConnectError } from "@connectrpc/connect";
import type { Logger } from "pino";

/** Failures that are the daemon's or the engine's fault, not the caller's. */
const faults = new Set([Code.Internal, Code.Unknown, Code.Unavailable, Code.DataLoss]);

/** One line for a call that succeeded, at debug: a kubelet makes thousands an hour. */
export function logCall(log: Logger, call: string, started: number): void {
  if (log.isLevelEnabled("debug")) log.debug({ call, ms: elapsed(started) }, "call");
}

/** One line for a call that failed. */
export function logFailedCall(log: Logger, call: string, started: number, err: ConnectError): void {
  const level = faults.has(err.code) ? "warn" : "debug";
  log[level](
    { call, ms: elapsed(started), code: Code[err.code], error: err.rawMessage },
    "call failed",
  );
}

/** Milliseconds with three decimals. */
function elapsed(started: number): number {
  return Math.round((performance.now() - started) * 1000) / 1000;
}
