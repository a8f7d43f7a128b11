import type { Interceptor } from "@connectrpc/connect";
import type { Logger } from "pino";
import { logCall, logFailedCall } from "./call-log.js";
import { toConnectError } from "./error-mapping.js";

/** What every call passes: errors become gRPC statuses, and one line per call goes to the log. */
export function createCallInterceptor(log: Logger): Interceptor {
  return (next) => async (request) => {
    const started = performance.now();
    try {
      const response = await next(request);
      logCall(log, request.method.name, started);
      return response;
    } catch (reason) {
      const err = toConnectError(reason, request.signal);
      logFailedCall(log, request.method.name, started, err);
      throw err;
    }
  };
}
