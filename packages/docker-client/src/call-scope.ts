import { DockerError } from "./errors.js";

/** The life of one call: one signal for the caller's abort, the deadline and `close()`. */
export interface CallScope {
  readonly operation: string;
  /** Aborts with a `DockerError` as its reason. */
  readonly signal: AbortSignal;
  /** Stops the clock and lets go of the caller's signal; call it when the call is over. */
  dispose(): void;
}

/** The calls underway of a client. */
export interface CallScopes {
  /**
   * Begins a call. Throws at once if the signal is aborted or the client closed.
   * `timeoutMs` undefined means no deadline.
   */
  open(
    operation: string,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
  ): CallScope;
  /** Ends all calls underway, and later ones at once, with `canceled`. */
  close(): void;
}

/** Makes the register of calls. */
export function createCallScopes(): CallScopes {
  const underway = new Set<(reason: DockerError) => void>();
  const operations = new WeakMap<(reason: DockerError) => void, string>();
  let closed = false;
  return {
    open(operation, signal, timeoutMs) {
      if (closed) throw clientClosed(operation);
      if (signal?.aborted) throw abortedByCaller(operation, signal);
      const controller = new AbortController();
      const abort = (reason: DockerError) => controller.abort(reason);
      const onCallerAbort = () => {
        if (signal !== undefined) abort(abortedByCaller(operation, signal));
      };
      signal?.addEventListener("abort", onCallerAbort, { once: true });
      const timer =
        timeoutMs === undefined
          ? undefined
          : setTimeout(() => abort(deadlineExceeded(operation, timeoutMs)), timeoutMs);
      underway.add(abort);
      operations.set(abort, operation);
      return {
        operation,
        signal: controller.signal,
        dispose() {
          underway.delete(abort);
          clearTimeout(timer);
          signal?.removeEventListener("abort", onCallerAbort);
        },
      };
    },
    close() {
      closed = true;
      for (const abort of [...underway]) abort(clientClosed(operations.get(abort) ?? "close"));
    },
  };
}

/** The promise's outcome, or the signal's reason if that comes first. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) {
      onAbort();
      promise.catch(() => undefined);
      return;
    }
    signal.addEventListener("abort", onAbort, { once: true });
    promise
      .then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", onAbort))
      .catch(() => undefined);
  });
}

function clientClosed(operation: string): DockerError {
  return new DockerError({ code: "canceled", operation, engineMessage: "the client was closed" });
}

function deadlineExceeded(operation: string, timeoutMs: number): DockerError {
  return new DockerError({
    code: "deadline_exceeded",
    operation,
    engineMessage: `the engine did not answer within ${timeoutMs} ms`,
  });
}

function abortedByCaller(operation: string, signal: AbortSignal): DockerError {
  const reason: unknown = signal.reason;
  const timedOut =
    typeof reason === "object" &&
    reason !== null &&
    "name" in reason &&
    reason.name === "TimeoutError";
  return new DockerError({
    code: timedOut ? "deadline_exceeded" : "canceled",
    operation,
    engineMessage: timedOut ? "the engine did not answer in time" : "the caller canceled the call",
    cause: reason,
  });
}
