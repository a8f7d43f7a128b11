import { Code, type Interceptor } from "@connectrpc/connect";
import type { Logger } from "pino";
import { toConnectError } from "./error-mapping.js";

/**
 * What every call passes: errors become gRPC statuses, and one line per call goes to the log.
 *
 * Calls that a kubelet repeats for ever are logged at debug; failures that are the daemon's or the
 * engine's fault at warn.
 */
export function createCallInterceptor(log: Logger): Interceptor {
  return (next) => async (request) => {
    const started = performance.now();
    const call = request.method.name;
    try {
      const response = await next(request);
      log.debug({ call, ms: elapsed(started) }, "call");
      return response;
    } catch (reason) {
      const err = toConnectError(reason, request.signal);
      const level = faults.has(err.code) ? "warn" : "debug";
      log[level](
        { call, ms: elapsed(started), code: Code[err.code], error: err.rawMessage },
        "call failed",
      );
      throw err;
    }
  };
}

const faults = new Set([Code.Internal, Code.Unknown, Code.Unavailable, Code.DataLoss]);

function elapsed(started: number): number {
  return Math.round((performance.now() - started) * 1000) / 1000;
}
