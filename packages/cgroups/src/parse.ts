/** The text formats that cgroup files share. All of them are total: nonsense gives undefined. */

const newline = 10;
const zero = 48;
const nine = 57;

/** A decimal number, with or without a line end; undefined for anything else. */
export function parseCount(text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined;
  let end = text.length;
  if (end > 0 && text.charCodeAt(end - 1) === newline) end--;
  if (end === 0) return undefined;
  for (let i = 0; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code < zero || code > nine) return undefined;
  }
  return BigInt(end === text.length ? text : text.slice(0, end));
}

/**
 * Numbers from here on mean "unlimited". cgroup v1 writes the largest page-aligned 63-bit number
 * for it, which differs by page size; no real limit is this high.
 */
export const unlimited: bigint = 1n << 62n;

/** A limit, where "unlimited" is undefined: `max` on cgroup v2, -1 or a very large number on v1. */
export function parseLimit(text: string | undefined): bigint | undefined {
  const value = parseCount(text);
  return value === undefined || value >= unlimited ? undefined : value;
}

/**
 * `key value` lines, such as memory.stat and cpu.stat.
 *
 * @param wanted - Only these keys are converted: memory.stat has some sixty lines and a dozen
 * of them matter, and conversion to bigint is what costs.
 */
export function parseFlatKeyed(
  text: string | undefined,
  wanted: ReadonlySet<string>,
): Map<string, bigint> {
  const values = new Map<string, bigint>();
  if (text === undefined) return values;
  let start = 0;
  while (start < text.length) {
    let end = text.indexOf("\n", start);
    if (end === -1) end = text.length;
    const gap = text.indexOf(" ", start);
    if (gap !== -1 && gap < end) {
      const key = text.slice(start, gap);
      if (wanted.has(key)) {
        const value = parseCount(text.slice(gap + 1, end));
        if (value !== undefined) values.set(key, value);
      }
    }
    start = end + 1;
  }
  return values;
}

/** A list such as `0-3,7` (cpuset.cpus): how many it names; undefined when it is empty or not a list. */
export function countCpuList(text: string | undefined): number | undefined {
  const list = text?.trim();
  if (list === undefined || list === "") return undefined;
  let count = 0;
  for (const range of list.split(",")) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(range);
    if (match === null) return undefined;
    const first = Number(match[1]);
    const last = match[2] === undefined ? first : Number(match[2]);
    if (last < first) return undefined;
    count += last - first + 1;
  }
  return count;
}

/** Lines that are not empty. */
export function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

/** How many lines a text of one item per line has, without building them. */
export function countLines(text: string): number {
  let count = 0;
  for (let i = text.indexOf("\n"); i !== -1; i = text.indexOf("\n", i + 1)) count++;
  if (text.length > 0 && text.charCodeAt(text.length - 1) !== newline) count++;
  return count;
}

/** The words of a line that is divided by any number of spaces or tabs. */
export function words(line: string): string[] {
  const trimmed = line.trim();
  if (trimmed === "") return [];
  return trimmed.split(/[ \t]+/);
}
