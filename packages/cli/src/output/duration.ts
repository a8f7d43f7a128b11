import { CliError } from "../cli-error.js";

const unitsMs: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  "\u00b5s": 1e-3,
  "\u03bcs": 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

const part = String.raw`(\d+\.?\d*|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)`;
const whole = new RegExp(`^\\+?(?:${part})+$`);
const parts = new RegExp(part, "g");

/**
 * Reads a duration as Kubernetes' tools write it, which is the form of Go's time.ParseDuration:
 * numbers with units, as "90s", "1m30s", "250ms" or "1.5h"; "0" needs no unit. Nothing negative.
 *
 * @param option For the message.
 * @returns Milliseconds.
 * @throws CliError usage, naming the option.
 */
export function parseDuration(text: string, option: string): number {
  if (/^[+-]?0+$/.test(text)) return 0;
  if (whole.test(text)) {
    let total = 0;
    for (const [, amount, unit = ""] of text.matchAll(parts)) {
      total += Number(amount) * (unitsMs[unit] ?? Number.NaN);
    }
    return total;
  }
  const why = /^[+-]?(\d+\.?\d*|\.\d+)$/.test(text) ? "has no unit" : "is no duration";
  throw new CliError("usage", `${option}: "${text}" ${why}: write 30s, 1m30s, 2h or 250ms`);
}

/** Writes milliseconds the way {@link parseDuration} reads them. */
export function formatDuration(ms: number): string {
  if (ms % 1_000 !== 0) return `${ms}ms`;
  let seconds = ms / 1_000;
  let text = "";
  for (const [unit, length] of [
    ["h", 3_600],
    ["m", 60],
  ] as const) {
    if (seconds >= length) text += `${Math.floor(seconds / length)}${unit}`;
    seconds %= length;
  }
  return seconds > 0 || text === "" ? `${text}${seconds}s` : text;
}
