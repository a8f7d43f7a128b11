import { ShimError } from "../shim-error.js";

/** Hands events to subscribers; see {@link createEventHub}. */
export interface EventHub<T> {
  /** Whether anybody listens: if not, no event needs to be made. */
  readonly subscribed: boolean;
  publish(event: T): void;
  /**
   * The events from now on, in order, until the signal fires or the hub is closed.
   *
   * @throws ShimError `resource_exhausted` for a reader that has fallen too far behind.
   */
  subscribe(signal: AbortSignal): AsyncIterable<T>;
  /** Ends all subscriptions after the events that they have still to read. */
  close(): void;
}

/** How far a reader may fall behind. */
export interface EventHubLimits {
  readonly events: number;
  readonly bytes: number;
}

interface Subscriber<T> {
  readonly queue: { readonly event: T; readonly bytes: number }[];
  /** What all in the queue have together. */
  bytes: number;
  wake: () => void;
  failure: ShimError | undefined;
  ended: boolean;
}

/**
 * Creates a hub that never waits for its readers.
 *
 * A slow reader gets a queue, but a bounded one: past its limits it is cut off, told why, and has
 * to list anew. Nothing else keeps the daemon's memory bounded. One event may have any size.
 *
 * @param sizeOf The bytes of an event.
 */
export function createEventHub<T>(
  limits: EventHubLimits,
  sizeOf: (event: T) => number,
): EventHub<T> {
  const subscribers = new Set<Subscriber<T>>();

  async function* read(subscriber: Subscriber<T>, signal: AbortSignal): AsyncGenerator<T> {
    const onAbort = (): void => {
      subscriber.ended = true;
      subscriber.queue.length = 0;
      subscriber.wake();
    };
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      for (;;) {
        const next = subscriber.queue.shift();
        if (next !== undefined) {
          subscriber.bytes -= next.bytes;
          yield next.event;
        } else if (subscriber.failure !== undefined) {
          throw subscriber.failure;
        } else if (subscriber.ended) {
          return;
        } else {
          await new Promise<void>((resolve) => {
            subscriber.wake = resolve;
          });
        }
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
      subscribers.delete(subscriber);
    }
  }

  return {
    get subscribed() {
      return subscribers.size > 0;
    },
    publish(event) {
      const bytes = sizeOf(event);
      for (const subscriber of subscribers) {
        const { queue } = subscriber;
        queue.push({ event, bytes });
        subscriber.bytes += bytes;
        if (queue.length > limits.events || (queue.length > 1 && subscriber.bytes > limits.bytes)) {
          subscriber.failure = new ShimError(
            "resource_exhausted",
            `the reader of events fell ${queue.length} events of ${subscriber.bytes} bytes behind`,
          );
          subscribers.delete(subscriber);
          queue.length = 0;
        }
        subscriber.wake();
      }
    },
    subscribe(signal) {
      const subscriber: Subscriber<T> = {
        queue: [],
        bytes: 0,
        wake: () => undefined,
        failure: undefined,
        ended: signal.aborted,
      };
      subscribers.add(subscriber);
      return read(subscriber, signal);
    },
    close() {
      for (const subscriber of subscribers) {
        subscriber.ended = true;
        subscriber.wake();
      }
    },
  };
}
