import { untilAborted } from "./until-aborted.js";

/** Runs at most one attempt per key; see {@link createSingleFlight}. */
export interface SingleFlight<T> {
  run(key: string, signal: AbortSignal, attempt: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

interface Flight<T> {
  readonly result: Promise<T>;
  readonly controller: AbortController;
  waiters: number;
}

/**
 * Makes retries of the same work join the attempt that is running.
 *
 * A kubelet that times out calls again while the first call still works. Callers of one key share
 * one attempt and its result. The attempt is aborted when the last of its callers has gone; a
 * caller that comes after that waits until the aborted attempt has cleaned up, then starts anew.
 */
export function createSingleFlight<T>(): SingleFlight<T> {
  const flights = new Map<string, Flight<T>>();

  function start(key: string, attempt: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const controller = new AbortController();
    const result = attempt(controller.signal).finally(() => flights.delete(key));
    const flight: Flight<T> = { result, controller, waiters: 0 };
    flights.set(key, flight);
    // An attempt that all callers have left still settles; nobody is there to hear it.
    result.catch(() => undefined);
    return flight;
  }

  return {
    async run(key, signal, attempt) {
      signal.throwIfAborted();
      let flight = flights.get(key);
      while (flight?.controller.signal.aborted) {
        await flight.result.catch(() => undefined);
        signal.throwIfAborted();
        flight = flights.get(key);
      }
      flight ??= start(key, attempt);
      return await join(flight, signal);
    },
  };
}

async function join<T>(flight: Flight<T>, signal: AbortSignal): Promise<T> {
  flight.waiters++;
  try {
    return await untilAborted(flight.result, signal);
  } finally {
    flight.waiters--;
    if (flight.waiters === 0) flight.controller.abort(signal.reason);
  }
}
