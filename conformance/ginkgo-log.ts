import type { Outcome } from "./outcome.ts";

const delimiter = /^-{30}$/m;

/**
 * What a block of the log has once its check is done, and the line behind it, which names the check. One that passed
 * while nothing else ran is named by the block's first line.
 */
const head = /^(•|S|\[\w+\])(?: PASSED)?(?: \[([A-Z ]+)\])? \[([0-9.]+) seconds\]\n(.*)/m;

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
    const isSpec = kind === "•" || kind === "S";
    if (!isSpec && state === "") return [];
    // The words stand behind what the check logged, which has them as well.
    const behind = Math.max(match.index, block.lastIndexOf("<< Timeline"));
    const told = end.exec(block.slice(behind))?.[1] ?? "";
    return [
      {
        name: isSpec ? nameIn(line || (block.trimStart().split("\n")[0] ?? "")) : kind,
        state: state === "" ? "passed" : state === "SKIPPED" ? "skipped" : "failed",
        reason: state === "" ? "" : told.replace(/\s+/g, " ").trim() || state,
        seconds: Number(seconds),
      },
    ];
  });
  return outcomes.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
