import { CliError } from "./cli-error.js";

const unitsMs: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * Reads a duration as Kubernetes tools write it ("90s", "1m30s", "500ms", "1.5h"); a bare
 * number counts seconds. Returns milliseconds.
 *
 * @throws CliError usage, naming the option.
 */
export function parseDuration(text: string, option: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1_000;
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) {
    throw new CliError("usage", `${option}: "${text}" is no duration (write 30s, 1m30s or 500ms)`);
  }
  let total = 0;
  for (const [, amount, unit = "s"] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    total += Number(amount) * (unitsMs[unit] ?? 0);
  }
  return total;
}

/** Writes milliseconds the way parseDuration reads them. */
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
