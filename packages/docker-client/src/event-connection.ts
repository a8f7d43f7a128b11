import type { EngineHttp, OpenReply } from "./engine-http.js";
import type { EngineRequest } from "./engine-request.js";
import { DockerError } from "./errors.js";
import { createEventLineReader, type EventLine } from "./event-lines.js";
import { toDockerError } from "./failure.js";

/** Characters of events that may wait for the consumer, whatever their number. */
const maxBufferedLength = 16 * 1024 * 1024;

/** One connection to `GET /events`. */
export interface EventConnection {
  /** The next line; after the last one only the failure that ended the stream. */
  next(): Promise<{ line: EventLine } | { failure: DockerError }>;
  /** Gives it up. */
  close(): void;
}

/** What {@link openEventConnection} needs. */
export interface EventConnectionOptions {
  http: EngineHttp;
  request: EngineRequest;
  idleCheckMs: number;
  idleCheckTimeoutMs: number;
  maxBufferedEvents: number;
}

/**
 * Opens the stream and reads it as fast as it comes, into a bounded queue: the engine drops events
 * of a subscriber that does not read, silently, so that backpressure would lose some unnoticed. A
 * full queue ends the connection instead, which the consumer gets to know.
 */
export async function openEventConnection(
  options: EventConnectionOptions,
): Promise<EventConnection> {
  const { http, request } = options;
  const { response, scope }: OpenReply = await http.open(request);
  const reader = createEventLineReader();
  const queue: EventLine[] = [];
  let queuedLength = 0;
  let failure: DockerError | undefined;
  let wake: (() => void) | undefined;
  let active = true;

  function fail(reason: unknown): void {
    if (failure === undefined) {
      failure = toDockerError(reason, request.operation, http.endpoint, scope.signal);
      clearInterval(idleCheck);
      scope.dispose();
      response.destroy();
      wake?.();
    }
  }

  function onData(chunk: Buffer): void {
    active = true;
    if (failure !== undefined) return;
    for (const line of reader.push(chunk)) {
      queue.push(line);
      queuedLength += line.text.length;
    }
    if (queue.length > options.maxBufferedEvents || queuedLength > maxBufferedLength) {
      fail(broken(`${queue.length} events were waiting for the consumer, which is too many`));
    }
    wake?.();
  }

  /** Silence is normal on an idle engine, unless the engine does not answer a ping either. */
  async function checkIdle(): Promise<void> {
    if (active) {
      active = false;
      return;
    }
    try {
      await http.empty({
        operation: "ping",
        method: "GET",
        path: "/_ping",
        unversioned: true,
        timeoutMs: "none",
        signal: AbortSignal.any([scope.signal, AbortSignal.timeout(options.idleCheckTimeoutMs)]),
      });
    } catch (reason) {
      fail(broken("the engine was silent and did not answer a ping", reason));
    }
  }

  function broken(engineMessage: string, cause?: unknown): DockerError {
    const { operation } = request;
    return new DockerError({ code: "unavailable", operation, engineMessage, cause });
  }

  const idleCheck =
    options.idleCheckMs > 0
      ? setInterval(() => void checkIdle(), options.idleCheckMs).unref()
      : undefined;
  response.on("data", onData);
  response.on("end", () => fail(broken("the engine ended the event stream")));
  response.on("error", fail);
  response.on("close", () => fail(response.errored ?? broken("the event stream was cut")));
  if (response.destroyed) fail(response.errored ?? broken("the event stream was cut"));

  return {
    async next() {
      for (;;) {
        const line = queue.shift();
        if (line !== undefined) {
          queuedLength -= line.text.length;
          return { line };
        }
        if (failure !== undefined) return { failure };
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = undefined;
      }
    },
    close: () => fail(broken("the consumer left")),
  };
}
