const second = 1;
const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

/** Up to which age, in seconds, kubectl shows which units. */
const scales: [below: number, unit: number, name: string, rest?: [unit: number, name: string]][] = [
  [2 * minute, second, "s"],
  [10 * minute, minute, "m", [second, "s"]],
  [3 * hour, minute, "m"],
  [8 * hour, hour, "h", [minute, "m"]],
  [2 * day, hour, "h"],
  [8 * day, day, "d", [hour, "h"]],
  [2 * year, day, "d"],
  [8 * year, year, "y", [day, "d"]],
  [Number.POSITIVE_INFINITY, year, "y"],
];

/**
 * How long ago something was, in the one or two units that kubectl would show ("45s",
 * "5m12s", "3d4h").
 *
 * @param timestampNs CRI timestamp, nanoseconds since the epoch; 0 for unknown.
 * @param nowMs Milliseconds since the epoch.
 */
export function formatAge(timestampNs: bigint, nowMs: number): string {
  if (timestampNs <= 0n) return "<unknown>";
  const age = Math.max(0, Math.floor((nowMs - Number(timestampNs / 1_000_000n)) / 1_000));
  const scale = scales.find(([below]) => age < below);
  if (!scale) return "<unknown>";
  const [, unit, name, rest] = scale;
  const main = `${Math.floor(age / unit)}${name}`;
  const remainder = rest ? Math.floor((age % unit) / rest[0]) : 0;
  return rest && remainder > 0 ? `${main}${remainder}${rest[1]}` : main;
}
