import type { Judged, Verdict } from "./verdict.ts";

const shortest = 160;

function shorten(text: string): string {
  return text.length <= shortest ? text : `${text.slice(0, shortest - 1)}…`;
}

function line({ name, verdict, reason, known }: Judged): string[] {
  const why = {
    passed: [],
    skipped: [reason],
    known: [`known: ${known}`, reason],
    failed: [reason],
    fixed: [`on the list of known failures (${known}), but it passes: take it off`],
  }[verdict];
  return [`  ${name}`, ...why.map((text) => `      ${shorten(text)}`)];
}

/** The readable table of a run: all that did not simply pass, with its reason, and the counts. */
export function formatReport(title: string, verdict: Verdict, all = false): string {
  const sections = [
    ["failed", "FAILED"],
    ["fixed", "KNOWN TO FAIL, BUT PASSED"],
    ["known", "failed as known"],
    ["skipped", "skipped"],
    ...(all ? [["passed", "passed"]] : []),
  ] as const;
  const lines = [`== ${title}`];
  for (const [kind, heading] of sections) {
    const checks = verdict.checks.filter((check) => check.verdict === kind);
    if (checks.length === 0) continue;
    lines.push("", `${heading} (${checks.length})`, ...checks.flatMap(line));
  }
  const { passed, failed, known, skipped } = verdict;
  const late = verdict.checks.filter(({ attempts }) => attempts !== undefined);
  if (late.length > 0) lines.push("", `passed at a further attempt (${late.length})`);
  for (const { name, attempts } of late) lines.push(`  ${name}`, `      ${attempts} attempts`);
  const rows = { passed, "failed as known": known, skipped, failed };
  lines.push("", ...Object.entries(rows).map(([name, n]) => `${String(n).padStart(5)}  ${name}`));
  return lines.join("\n");
}
