import type { Interceptor } from "@connectrpc/connect";
import type { CallRecorder } from "../observed/timelines.js";
import type { Tracing } from "../observed/tracing.js";
import type { CallLog } from "./call-log.js";
import { toConnectError } from "./error-mapping.js";

/**
 * What every call passes: errors become gRPC statuses, one line per call goes to the log, and with
 * tracing it runs within a span. What is about a pod goes into its timeline. A stream is over when its last message is.
 */
export function createCallInterceptor(
  calls: CallLog,
  tracing?: Tracing,
  recorder?: CallRecorder,
): Interceptor {
  return (next) => async (request) => {
    const started = performance.now();
    const { name } = request.method;
    const fail = (reason: unknown): Error => {
      const err = toConnectError(reason, request.signal);
      calls.failed(name, started, err);
      return err;
    };
    async function* counted<T>(messages: AsyncIterable<T>): AsyncGenerator<T> {
      try {
        yield* messages;
      } catch (reason) {
        throw fail(reason);
      }
      calls.succeeded(name, started);
    }
    const run = async (): ReturnType<typeof next> => {
      try {
        const response = await next(request);
        if (response.stream) return { ...response, message: counted(response.message) };
        calls.succeeded(name, started);
        return response;
      } catch (reason) {
        throw fail(reason);
      }
    };
    const recorded = (): ReturnType<typeof next> =>
      recorder === undefined || request.stream ? run() : recorder.call(name, request.message, run);
    if (tracing === undefined) return await recorded();
    const path = `/${request.service.typeName}/${name}`;
    return await tracing.call(path, request.header.get("traceparent") ?? undefined, recorded);
  };
}
