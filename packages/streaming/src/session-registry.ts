import type { StreamingError } from "./errors.js";
import type { StreamingLog, StreamingRuntime } from "./streaming-runtime.js";

/** What a session tells about itself while it lives. */
export interface LiveSession {
  streams(): number;
  forwards(): number;
  bufferedBytes(): number;
  /** Ends the session: aborts what the runtime does for it and closes its connection. */
  end(reason: StreamingError): void;
}

/** Knows all sessions that hold a connection or a call of the runtime. */
export interface SessionRegistry {
  /** Adds a session until the returned function is called. */
  add(session: LiveSession): () => void;
  sessions(): readonly LiveSession[];
  /** Resolves when there is no session. */
  empty(): Promise<void>;
}

/** What every session is given. */
export interface SessionContext {
  readonly runtime: StreamingRuntime;
  readonly log: StreamingLog;
  readonly registry: SessionRegistry;
  readonly idleTimeoutMs: number;
  readonly streamCreationTimeoutMs: number;
}

export function createSessionRegistry(): SessionRegistry {
  const live = new Set<LiveSession>();
  let waiting: (() => void)[] = [];
  return {
    add(session) {
      live.add(session);
      return () => {
        live.delete(session);
        if (live.size === 0) {
          for (const resolve of waiting) resolve();
          waiting = [];
        }
      };
    },
    sessions() {
      return [...live];
    },
    async empty() {
      if (live.size > 0) await new Promise<void>((resolve) => waiting.push(resolve));
    },
  };
}
