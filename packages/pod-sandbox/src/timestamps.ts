const pattern = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9})\d*)?(Z|[+-]\d{2}:\d{2})$/;

/**
 * Reads an RFC 3339 timestamp of Docker's exactly.
 *
 * @returns nanoseconds since the epoch; 0 for Docker's zero time (`0001-01-01T00:00:00Z`) and
 *   for text that is no timestamp
 */
export function parseTimestamp(text: string): bigint {
  const match = pattern.exec(text);
  if (match === null) return 0n;
  const [, seconds = "", fraction = "", zone = "Z"] = match;
  const millis = Date.parse(`${seconds}${zone}`);
  if (Number.isNaN(millis)) return 0n;
  const nanos = BigInt(millis) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
  return nanos > 0n ? nanos : 0n;
}
