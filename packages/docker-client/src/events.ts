import type { DockerClientLog } from "./docker-client.js";
import type { EngineHttp } from "./engine-http.js";
import { openEventConnection } from "./event-connection.js";
import { formatNanos, parseEventLine } from "./event-line.js";
import type { EventLine } from "./event-lines.js";
import type { EngineEvent, EventStreamItem, EventStreamOptions } from "./event-types.js";
import { toDockerError } from "./failure.js";

const operation = "events";

/**
 * How far back a new connection starts before the last event seen. The engine stamps an event before
 * it puts it in line, so that one with a slightly earlier stamp may come after it.
 */
const overlapNanos = 1_000_000_000n;

/** More than the 256 events that an engine remembers, so that no replayed one is taken for new. */
const rememberedLines = 1024;

/**
 * The event stream, connected again whenever it breaks. `now` tells the engine's clock in Unix
 * nanoseconds, at the latest that of the moment it was called.
 */
export async function* streamEvents(
  http: EngineHttp,
  options: EventStreamOptions,
  now: (signal: AbortSignal | undefined) => Promise<bigint>,
  log: DockerClientLog,
): AsyncGenerator<EventStreamItem> {
  const { signal } = options;
  const maxDelayMs = options.maxReconnectDelayMs ?? 2_000;
  const firstDelayMs = Math.min(options.reconnectDelayMs ?? 50, maxDelayMs);
  const seen = createLineMemory();
  let start = options.since;
  let last: bigint | undefined;
  let connectedBefore = false;
  let broken = false;
  let delayMs = firstDelayMs;

  while (!signal?.aborted) {
    let connection: Awaited<ReturnType<typeof openEventConnection>>;
    let since: bigint;
    try {
      // Without `since` an event could be lost that happens after the engine has sent the head of
      // its reply, and before it subscribes us: older engines do it in that order.
      start ??= await now(signal);
      since = last === undefined ? start : laterOf(start, last - overlapNanos);
      connection = await openEventConnection({
        http,
        request: {
          operation,
          method: "GET",
          path: "/events",
          query: { since: formatNanos(since), filters: options.filters },
          signal,
          timeoutMs: "none",
        },
        idleCheckMs: options.idleCheckMs ?? 30_000,
        idleCheckTimeoutMs: options.idleCheckTimeoutMs ?? 10_000,
        maxBufferedEvents: options.maxBufferedEvents ?? 10_000,
      });
    } catch (reason) {
      if (signal?.aborted) return;
      const error = toDockerError(reason, operation, http.endpoint);
      // Neither a closed client nor a filter that the engine refuses get better by waiting. One that
      // it has taken before is not what it refuses now.
      if (error.code === "canceled") throw error;
      if (error.code === "invalid_argument" && !connectedBefore) throw error;
      log.debug({ error: error.message, retryInMs: delayMs }, "docker events: cannot connect");
      if (!broken) {
        broken = true;
        yield { kind: "disconnected", error };
      }
      await pause(delayMs, signal);
      delayMs = Math.min(delayMs * 2, maxDelayMs);
      continue;
    }
    try {
      broken = false;
      delayMs = firstDelayMs;
      log.debug({ since: formatNanos(since) }, "docker events: connected");
      yield { kind: "connected", reconnected: connectedBefore, since };
      connectedBefore = true;
      for (;;) {
        const next = await connection.next();
        if (signal?.aborted) return;
        if ("failure" in next) {
          if (next.failure.code === "canceled") throw next.failure;
          log.debug({ error: next.failure.message }, "docker events: disconnected");
          broken = true;
          yield { kind: "disconnected", error: next.failure };
          break;
        }
        if (!seen.add(next.line.digest)) continue;
        const event = parseEvent(next.line, log);
        if (event !== undefined) {
          last = last === undefined ? event.timeNano : laterOf(last, event.timeNano);
          yield { kind: "event", event };
        }
      }
    } finally {
      connection.close();
    }
    await pause(delayMs, signal);
  }
}

function parseEvent(line: EventLine, log: DockerClientLog): EngineEvent | undefined {
  try {
    const event = parseEventLine(line.text);
    return line.abridged ? { ...event, abridged: true } : event;
  } catch (reason) {
    // One odd line must not end the stream.
    log.warn({ line: line.text.slice(0, 200), error: String(reason) }, "docker events: unreadable");
    return undefined;
  }
}

function laterOf(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

/** Remembers the last lines by their digests; a replayed event is the same text to the byte. */
function createLineMemory(): { add(digest: string): boolean } {
  const digests = new Set<string>();
  return {
    add(digest) {
      if (digests.has(digest)) return false;
      digests.add(digest);
      if (digests.size > rememberedLines) {
        for (const oldest of digests) {
          digests.delete(oldest);
          break;
        }
      }
      return true;
    },
  };
}

/** Resolves after the delay, or as soon as the signal aborts. */
function pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, delayMs);
    signal?.addEventListener("abort", done, { once: true });
    if (signal?.aborted) done();
  });
}
