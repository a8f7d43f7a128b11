import type { ServerResponse } from "node:http";

/** The events of a fake engine, and who follows them. */
export interface EventLog {
  add(type: string, action: string, id: string, attributes: Record<string, string>): void;
  /** Answers `GET /events`: what happened since, then what happens. */
  follow(query: URLSearchParams, response: ServerResponse): void;
  /** Keeps what happens from now on from those who follow, until {@link EventLog.release}. */
  hold(): void;
  release(): void;
  /** Breaks the connections of those who follow. */
  cut(): void;
}

interface Event {
  readonly type: string;
  readonly timeNano: bigint;
  readonly line: string;
}

/** The engine remembers so many. */
const remembered = 256;

export function createEventLog(): EventLog {
  const past: Event[] = [];
  const followers = new Map<ServerResponse, (event: Event) => void>();
  let held: Event[] | undefined;
  let last = 0n;

  /** Each event has a time of its own. */
  function stamp(): bigint {
    const now = BigInt(Date.now()) * 1_000_000n;
    last = now > last ? now : last + 1n;
    return last;
  }

  function send(event: Event): void {
    past.push(event);
    if (past.length > remembered) past.shift();
    for (const follower of followers.values()) follower(event);
  }

  return {
    add(type, action, id, attributes) {
      const timeNano = stamp();
      const event = {
        Type: type,
        Action: action,
        Actor: { ID: id, Attributes: attributes },
        scope: "local",
        time: Number(timeNano / 1_000_000_000n),
      };
      // As Docker writes it, more digits than a double holds.
      const line = JSON.stringify(event).replace(/}$/, `,"timeNano":${timeNano}}\n`);
      const made = { type, timeNano, line };
      if (held === undefined) send(made);
      else held.push(made);
    },
    follow(query, response) {
      const filters = JSON.parse(query.get("filters") ?? "{}") as { type?: string[] };
      const wanted = ({ type }: Event): boolean => filters.type?.includes(type) ?? true;
      const since = nanosOf(query.get("since"));
      response.writeHead(200, { "Content-Type": "application/json" });
      response.flushHeaders();
      for (const event of past) {
        if (since !== undefined && event.timeNano >= since && wanted(event)) {
          response.write(event.line);
        }
      }
      followers.set(response, (event) => wanted(event) && response.write(event.line));
      response.on("close", () => followers.delete(response));
    },
    hold() {
      held ??= [];
    },
    release() {
      for (const event of held ?? []) send(event);
      held = undefined;
    },
    cut() {
      for (const response of followers.keys()) response.destroy();
    },
  };
}

/** `seconds.nanoseconds` of Unix time. */
function nanosOf(text: string | null): bigint | undefined {
  if (text === null) return undefined;
  const [seconds = "0", fraction = ""] = text.split(".");
  return BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0").slice(0, 9));
}
