import type { Outcome } from "./outcome.ts";

const delimiter = /^-{30}$/m;

/**
 * What a block of the log has once its check is done, and the line behind it, which names the check. One that passed
 * while nothing else ran is named by the block's first line.
 */
const head = /^([•↺S]|\[\w+\])(?: PASSED)?(?: \[([^\]\n]+)\])? \[([0-9.]+) seconds\]\n(.*)/m;

/** What stands in place of a failure where a check passed at a later try. */
const flaky = /^FLAKEY TEST - TOOK (\d+) ATTEMPTS/;

/** What is told of a failure or a skip behind all that the check logged: its words, and where they come from. */
const end = /^ *\[(?:[A-Z ]+)\] ([\s\S]*?)\n *In \[/m;

/** The check's own name, without the mark of the node that failed and the list of labels behind it. */
function nameIn(line: string): string {
  const marks =
    /\s*\[(?:It|BeforeEach|JustBeforeEach|AfterEach|JustAfterEach|DeferCleanup \(Each\))\](?= |$)/g;
  return line
    .replace(/ \[[^\]]*\]$/, "")
    .replace(marks, "")
    .trim();
}

/**
 * Outcomes out of what Ginkgo says with `-v` while it runs, for a run that was cut off before its report. Those of the
 * report say more: here a check that the suite's own filter left out has no name, as it needs none.
 */
export function readLog(text: string): Outcome[] {
  // What is behind the last delimiter may still be written.
  const blocks = text.split(delimiter).slice(0, -1);
  const outcomes = blocks.flatMap((block): Outcome[] => {
    const match = head.exec(block);
    if (match === null) return [];
    const [, kind = "", state = "", seconds, line = ""] = match;
    const isSpec = !kind.startsWith("[");
    if (!isSpec && state === "") return [];
    const attempts = flaky.exec(state)?.[1];
    const passed = state === "" || attempts !== undefined;
    // The words stand behind what the check logged, which has them as well.
    const behind = Math.max(match.index, block.lastIndexOf("<< Timeline"));
    const told = end.exec(block.slice(behind))?.[1] ?? "";
    return [
      {
        name: isSpec ? nameIn(line || (block.trimStart().split("\n")[0] ?? "")) : kind,
        state: passed ? "passed" : state === "SKIPPED" ? "skipped" : "failed",
        reason: passed ? "" : told.replace(/\s+/g, " ").trim() || state,
        seconds: Number(seconds),
        ...(attempts === undefined ? {} : { attempts: Number(attempts) }),
      },
    ];
  });
  return outcomes.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
