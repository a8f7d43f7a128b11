import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ByHand } from "./by-hand.ts";
import type { Cleanup } from "./cleanup.ts";
import { openEmptyServer } from "./client-cost.ts";
import type { Endpoint } from "./endpoint.ts";
import { measureLifecycle } from "./lifecycle.ts";
import { measureCalls } from "./measure-calls.ts";
import type { Pod, PodChoices } from "./pods.ts";
import { processFigures } from "./process-figures.ts";
import { formatTable } from "./report-table.ts";
import { round, summarize } from "./summary.ts";

/** Figures by the name of their row. */
type Figures = Readonly<Record<string, number>>;

const committedFile = join(import.meta.dirname, "figures.json");

/** By how much a row may be above its committed figure. */
const allowed = 1.1;

/** What is measured. */
interface Subject {
  readonly endpoint: Endpoint;
  readonly byHand: ByHand;
  /** Pods that stand meanwhile. */
  readonly pods: readonly Pod[];
  readonly choices: PodChoices;
}

interface Counts {
  readonly calls: number;
  readonly lifecycles: number;
  readonly atOnce: number;
  readonly rounds: number;
}

/**
 * Holds all rows against the committed figures: calls as multiples of an empty server's, pods and
 * commands as multiples of the same made by hand, memory in MB. Each row takes turns with what it is
 * held against, so a faster or a slower machine moves it little.
 *
 * What is above is measured again, for other work on the machine comes and goes: a row has failed
 * that is above in each of the rounds. With `write` the medians of all rounds are the committed
 * figures from now on.
 */
export async function nightly(
  subject: Subject,
  args: Counts & { readonly write: boolean },
  cleanup: Cleanup,
): Promise<{ found: Figures; dearer: readonly string[] }> {
  const committed: Figures = args.write ? {} : JSON.parse(readFileSync(committedFile, "utf8"));
  const rounds: Figures[] = [];
  let found: Figures = {};
  let dearer: string[] = [];
  while (rounds.length < args.rounds) {
    rounds.push(await measure(subject, args, cleanup));
    found = ofRounds(rounds, args.write ? 0.5 : 0);
    dearer = regressions(found, committed);
    if (dearer.length === 0) break;
    const above = args.write ? "" : `, ${dearer.length} rows above`;
    console.error(`round ${rounds.length} of ${args.rounds}${above}`);
  }
  if (args.write) {
    writeFileSync(committedFile, `${JSON.stringify(found, null, 2)}\n`);
    return { found, dearer: [] };
  }
  const rows = Object.entries(found).map(([name, now]) => [
    name,
    String(now),
    String(committed[name]),
  ]);
  process.stdout.write(formatTable(["row", "now", "committed"], rows));
  if (dearer.length > 0) {
    console.log(`FAILED, more than 10 % above:\n${dearer.join("\n")}`);
    process.exitCode = 1;
  }
  return { found, dearer };
}

/** One round of all rows. */
async function measure(
  { endpoint, byHand, pods, choices }: Subject,
  counts: Counts,
  cleanup: Cleanup,
): Promise<Figures> {
  const figures: Record<string, number> = {};
  const least = new Map<string, number[]>();
  const empty = await openEmptyServer(0);
  try {
    const beside = async (row: string, { containerId }: Pod): Promise<void> => {
      const started = performance.now();
      if (row === "ExecSync true") await byHand.exec(containerId, ["true"]);
      const ms = row === "ExecSync true" ? performance.now() - started : await empty.small();
      least.set(row, [...(least.get(row) ?? []), ms]);
    };
    const { image } = choices;
    const rows = await measureCalls(endpoint, pods, image, counts.calls, cleanup, beside);
    for (const [name, row] of Object.entries(rows)) {
      if (typeof row === "string") throw new Error(`${name}: ${row}`);
      figures[name] = row.p50 / summarize(least.get(name) ?? []).p50;
    }
  } finally {
    await empty.close();
  }
  const { atOnce } = counts;
  const times = { ...counts, rounds: 5 };
  const [ours, hand] = await measureLifecycle([endpoint], byHand, choices, times, cleanup);
  if (ours === undefined || hand === undefined) throw new Error("no pods were measured");
  figures["pod start"] = ours.start.p50 / hand.start.p50;
  figures["pod stop and remove"] = ours.stop.p50 / hand.stop.p50;
  figures[`${atOnce} at once start`] = ours.startAtOnce.p50 / hand.startAtOnce.p50;
  figures[`${atOnce} at once stop and remove`] = ours.stopAtOnce.p50 / hand.stopAtOnce.p50;
  if (endpoint.pid !== undefined) figures["RSS, MB"] = processFigures(endpoint.pid)?.rssMb ?? 0;
  return figures;
}

/** Of each row what so large a share of the rounds is below. */
function ofRounds(rounds: readonly Figures[], share: number): Figures {
  const names = Object.keys(rounds[0] ?? {});
  return Object.fromEntries(
    names.map((name) => {
      const sorted = rounds.map((figures) => figures[name] ?? 0).sort((a, b) => a - b);
      return [name, round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0)];
    }),
  );
}

/** A row that is dearer than it may be; or one that was not measured, or has no committed figure. */
function regressions(found: Figures, committed: Figures): string[] {
  const names = [...new Set([...Object.keys(committed), ...Object.keys(found)])];
  return names.flatMap((name) => {
    const [now, then] = [found[name], committed[name]];
    if (now === undefined) return [`${name}: not measured`];
    if (then === undefined) return [`${name}: ${now}, and no committed figure`];
    return now > then * allowed ? [`${name}: ${now}, committed ${then}`] : [];
  });
}
