/**
 * How often a connection that we don't read is probed, to notice that the peer is gone: the first
 * write after that is answered by a reset, and the second one fails.
 */
const probeIntervalMs = 2_000;

/** Options of {@link ConnectionWatch}. */
export interface ConnectionWatchOptions {
  /** Nothing in either direction for this long calls `onIdle`; 0 never. */
  readonly idleTimeoutMs: number;
  readonly onIdle: () => void;
  /** Writes something small that needs no answer. */
  readonly probe: () => void;
}

/**
 * Keeps the time on a connection: ends an idle one, and probes one that is not read because its
 * buffers are full, since then only a failing write tells that the peer is gone.
 */
export class ConnectionWatch {
  readonly #idleTimer: NodeJS.Timeout | null;
  readonly #probe: () => void;
  #probeTimer: NodeJS.Timeout | null = null;

  constructor(options: ConnectionWatchOptions) {
    this.#probe = options.probe;
    this.#idleTimer =
      options.idleTimeoutMs > 0 ? setTimeout(options.onIdle, options.idleTimeoutMs) : null;
  }

  /** Something was sent or received. */
  touch(): void {
    this.#idleTimer?.refresh();
  }

  /** Whether the connection is not read at present. */
  setStalled(stalled: boolean): void {
    if (stalled) {
      this.#probeTimer ??= setInterval(this.#probe, probeIntervalMs);
    } else if (this.#probeTimer !== null) {
      clearInterval(this.#probeTimer);
      this.#probeTimer = null;
    }
  }

  stop(): void {
    clearTimeout(this.#idleTimer ?? undefined);
    this.setStalled(false);
  }
}
