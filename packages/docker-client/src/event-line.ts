import type { EngineEvent } from "./event-types.js";

/**
 * One line of `GET /events`. Throws a `SyntaxError` when it is none.
 *
 * `timeNano` exceeds what a number holds exactly, so it is read from the text. Within strings the
 * quotes are escaped, so that no label can be mistaken for the member.
 */
export function parseEventLine(line: string): EngineEvent {
  const parsed = JSON.parse(line) as Partial<EngineEvent> | null;
  const { Type, Action, Actor } = parsed ?? {};
  if (typeof Type !== "string" || typeof Action !== "string") {
    throw new SyntaxError(`${line.slice(0, 100)} is no event`);
  }
  const time = typeof parsed?.time === "number" ? parsed.time : 0;
  const digits = /"timeNano":\s*(\d+)/.exec(line)?.[1];
  return {
    Type,
    Action,
    Actor: { ID: Actor?.ID ?? "", Attributes: Actor?.Attributes ?? {} },
    ...(typeof parsed?.scope === "string" && { scope: parsed.scope }),
    time,
    timeNano: digits === undefined ? BigInt(time) * 1_000_000_000n : BigInt(digits),
  };
}

/** Nanoseconds as the engine takes them for `since`: seconds with nine decimals. */
export function formatNanos(nanos: bigint): string {
  const decimals = (nanos % 1_000_000_000n).toString().padStart(9, "0");
  return `${nanos / 1_000_000_000n}.${decimals}`;
}
