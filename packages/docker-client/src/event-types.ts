import type { Filters } from "./call-options.js";
import type { DockerError } from "./errors.js";

/** An event of the engine, in its own words. */
export interface EngineEvent {
  /** `container`, `image`, `network`, `volume`, `daemon`, … */
  Type: string;
  /** `create`, `start`, `die`, `exec_start: sh -c …`, … */
  Action: string;
  Actor: {
    /** Id of the object. */
    ID: string;
    /** Labels of the object and details such as `exitCode`. */
    Attributes: Record<string, string>;
  };
  scope?: string;
  /** Unix time in seconds. */
  time: number;
  /** Unix time in nanoseconds, exact. */
  timeNano: bigint;
  /**
   * Set when the event was longer than 128 KiB. Of its `Attributes` only some are there, those of
   * less than 4 KiB, and `Action` ends after 4 KiB; all else is whole. The engine puts all labels of
   * an image into its events and those of its containers, so that any image can make them long.
   */
  abridged?: true;
}

/** What the event stream yields. */
export type EventStreamItem =
  | {
      /**
       * The engine has subscribed us: what happens from here on is seen. Whoever keeps state reads
       * it anew now, as the engine remembers only its last 256 events, and none over a restart.
       */
      kind: "connected";
      /** True after a lost connection, false the first time. */
      reconnected: boolean;
      /** From when on events are replayed, Unix time in nanoseconds. */
      since: bigint;
    }
  | { kind: "event"; event: EngineEvent }
  | {
      /** The stream broke; a `connected` follows when the engine answers again. */
      kind: "disconnected";
      error: DockerError;
    };

/** Options of the event stream. */
export interface EventStreamOptions {
  /** Such as `{ type: ["container"], event: ["die"] }`. */
  filters?: Filters | undefined;
  /** Replay from here on, Unix time in nanoseconds. Default: from now. */
  since?: bigint | undefined;
  /** Ends the iteration quietly; the only regular way for it to end, besides `break`. */
  signal?: AbortSignal | undefined;
  /**
   * After so many milliseconds without an event the engine is pinged over another connection; if
   * that fails, the stream counts as broken. 0 switches it off. Default 30,000.
   */
  idleCheckMs?: number | undefined;
  /** Milliseconds that the ping of the idle check may take. Default 10,000. */
  idleCheckTimeoutMs?: number | undefined;
  /**
   * Events held for a slow consumer, of 16 MiB in all at most. On overflow the stream counts as broken (`disconnected`, then
   * `connected`), for the engine drops events of subscribers that don't read. Default 10,000.
   */
  maxBufferedEvents?: number | undefined;
  /** First pause in milliseconds before connecting again; doubles up to the maximum. Default 50. */
  reconnectDelayMs?: number | undefined;
  /** Longest pause in milliseconds. Default 2,000. */
  maxReconnectDelayMs?: number | undefined;
}
