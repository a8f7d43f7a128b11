import { createReadStream, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";

/** What is in a container's log, rotated files included. */
export interface NumberedLog {
  /** Lines put together from their parts. */
  readonly lines: number;
  readonly files: number;
  /** Number of the last line of each stream. */
  readonly last: Readonly<Record<string, number>>;
  /** Where a number was not the one after the last of its stream, or a line had no format. */
  readonly problems: readonly string[];
}

const format = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (stdout|stderr) ([PF]) (.*)$/s;

/**
 * Reads what a writer of numbered lines (`NUMBER …`, from 1, per stream) left in a CRI log and in
 * the files that were renamed from it, `NAME.1`, `NAME.2` … in the order of those numbers.
 *
 * @param check Looks at the text of a whole line after its number.
 */
export async function readNumberedLog(
  path: string,
  check: (rest: string, number: number) => boolean = () => true,
): Promise<NumberedLog> {
  const rotated = readdirSync(dirname(path))
    .filter((name) => name.startsWith(`${basename(path)}.`))
    .sort((a, b) => rotation(a) - rotation(b))
    .map((name) => join(dirname(path), name));
  const last: Record<string, number> = {};
  const begun: Record<string, string> = {};
  const problems: string[] = [];
  let lines = 0;
  for (const file of [...rotated, path]) {
    let row = 0;
    const input = createReadStream(file, { encoding: "latin1" });
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      row++;
      if (problems.length > 20) break;
      const [, stream = "", tag, content = ""] = format.exec(line) ?? [];
      if (stream === "") {
        problems.push(`${file}:${row}: no CRI line: ${line.slice(0, 80)}`);
        continue;
      }
      if (tag === "P") {
        begun[stream] = (begun[stream] ?? "") + content;
        continue;
      }
      const text = (begun[stream] ?? "") + content;
      begun[stream] = "";
      lines++;
      const [, digits = "", rest = ""] = /^\s*(\d+)(.*)$/s.exec(text) ?? [];
      const expected = (last[stream] ?? 0) + 1;
      last[stream] = Number(digits);
      if (Number(digits) !== expected) {
        problems.push(`${file}:${row}: ${stream} has ${text.slice(0, 30)}, not ${expected}`);
      } else if (!check(rest, expected)) {
        problems.push(`${file}:${row}: ${stream} line ${expected} has another text`);
      }
    }
  }
  return { lines, files: rotated.length + 1, last, problems };
}

function rotation(name: string): number {
  return Number(/\.(\d+)$/.exec(name)?.[1] ?? 0);
}
