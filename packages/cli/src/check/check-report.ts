import { stripVTControlCharacters, styleText } from "node:util";
import { oneLine } from "../output/table.js";
import { wrapText } from "../output/wrap-text.js";
import type { CheckResult } from "./all-checks.js";
import type { Verdict } from "./finding.js";

const colours: Record<Verdict, Parameters<typeof styleText>[0]> = {
  ok: "green",
  warn: "yellow",
  fail: "red",
  skip: "gray",
};

/** How a report is laid out. */
export interface ReportForm {
  /** Columns of the terminal. */
  readonly width: number;
  /** Whether verdicts have one. */
  readonly colour: boolean;
}

/**
 * Results for people: a line each, with what to do below it, and a sum at the end.
 *
 * @param counts Of all that were judged, also those that are not shown.
 */
export function describeChecks(
  results: readonly CheckResult[],
  counts: Readonly<Record<Verdict, number>>,
  { width, colour }: ReportForm,
): string {
  const longest = Math.max(0, ...results.map(({ name }) => name.length));
  const start = `  ok    ${"".padEnd(longest)}  `.length;
  const lines: string[] = [];
  let area = "";
  for (const result of results) {
    if (result.area !== area) {
      if (area !== "") lines.push("");
      area = result.area;
      lines.push(area);
    }
    const { verdict, name, reason, remedy } = result;
    const painted = colour
      ? styleText(colours[verdict], verdict, { validateStream: false })
      : verdict;
    const padding = "".padEnd(4 - stripVTControlCharacters(painted).length);
    wrapText(reason, width - start).forEach((line, index) => {
      const before =
        index === 0 ? `  ${painted}${padding}  ${name.padEnd(longest)}  ` : "".padEnd(start);
      lines.push(`${before}${line}`.trimEnd());
    });
    if (remedy === undefined) continue;
    wrapText(oneLine(remedy), width - start - 3).forEach((line, index) => {
      lines.push(`${"".padEnd(start)}${index === 0 ? "→" : " "}  ${line}`);
    });
  }
  const { ok, warn, fail, skip } = counts;
  lines.push(...(lines.length > 0 ? [""] : []));
  lines.push(`${ok} ok, ${warn} to look at, ${fail} failed, ${skip} skipped`);
  return `${lines.join("\n")}\n`;
}

/** How often each verdict was given. */
export function countVerdicts(results: readonly CheckResult[]): Record<Verdict, number> {
  const count = (wanted: Verdict): number =>
    results.filter(({ verdict }) => verdict === wanted).length;
  return { ok: count("ok"), warn: count("warn"), fail: count("fail"), skip: count("skip") };
}
