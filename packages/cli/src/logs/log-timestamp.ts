const pattern = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

/**
 * Nanoseconds since the epoch of an RFC 3339 timestamp with up to nine fractional
 * digits and a zone, as CRI and Docker logs have them; undefined for anything else.
 */
export function parseTimestamp(text: string): bigint | undefined {
  const match = pattern.exec(text);
  if (!match) return undefined;
  const [, seconds = "", fraction = "", zone = "Z"] = match;
  const ms = Date.parse(`${seconds}${zone}`);
  return Number.isNaN(ms) ? undefined : BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
}
