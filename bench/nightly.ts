import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ByHand } from "./by-hand.ts";
import type { Cleanup } from "./cleanup.ts";
import { measureClientCost } from "./client-cost.ts";
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
 * commands as multiples of the same made by hand, memory in MB. So a faster or a slower machine moves
 * them little.
 *
 * What is above is measured again, for other work on the machine comes and goes: of all rounds the
 * least counts, of a row as of what it is held against.
 *
 * With `write` the figures of all rounds are the committed ones from now on.
 */
export async function nightly(
  subject: Subject,
  args: Counts & { readonly write: boolean },
  cleanup: Cleanup,
): Promise<{ found: Figures; dearer: readonly string[] }> {
  const committed: Figures = args.write ? {} : JSON.parse(readFileSync(committedFile, "utf8"));
  let least: Figures = {};
  let found: Figures = {};
  let dearer: string[] = [];
  for (let round = 0; round < args.rounds; round++) {
    least = leastOf(least, await measure(subject, args, cleanup));
    found = relative(least);
    dearer = regressions(found, committed);
    if (dearer.length === 0) break;
    const above = args.write ? "" : `, ${dearer.length} rows above`;
    console.error(`round ${round + 1} of ${args.rounds}${above}`);
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

const emptyCall = "empty call";
const byHandRow = (row: string): string => `${row}, by hand`;
const memoryRow = "RSS, MB";
const execRow = "ExecSync true";

/** One round: all rows and what they are held against, p50 in ms. */
async function measure(
  { endpoint, byHand, pods, choices }: Subject,
  counts: Counts,
  cleanup: Cleanup,
): Promise<Figures> {
  const figures: Record<string, number> = {};
  figures[emptyCall] = (await measureClientCost(counts.calls, 55_000)).small.p50;
  const rows = await measureCalls(endpoint, pods, choices.image, counts.calls, cleanup);
  for (const [name, row] of Object.entries(rows)) {
    if (typeof row === "string") throw new Error(`${name}: ${row}`);
    figures[name] = row.p50;
  }
  const commands: number[] = [];
  for (const { containerId } of pods) {
    cleanup.check();
    const started = performance.now();
    await byHand.exec(containerId, ["true"]);
    commands.push(performance.now() - started);
  }
  figures[byHandRow(execRow)] = summarize(commands).p50;
  const lives = await measureLifecycle(
    [endpoint],
    byHand,
    choices,
    { ...counts, rounds: 3 },
    cleanup,
  );
  for (const [index, { start, stop, startAtOnce, stopAtOnce }] of lives.entries()) {
    const name = index === 0 ? (row: string) => row : byHandRow;
    figures[name("pod start")] = start.p50;
    figures[name("pod stop and remove")] = stop.p50;
    figures[name(`${counts.atOnce} at once start`)] = startAtOnce.p50;
    figures[name(`${counts.atOnce} at once stop and remove`)] = stopAtOnce.p50;
  }
  if (endpoint.pid !== undefined) figures[memoryRow] = processFigures(endpoint.pid)?.rssMb ?? 0;
  return figures;
}

/** Rows as multiples of what they are held against. */
function relative(figures: Figures): Figures {
  const names = Object.keys(figures).filter(
    (name) => name !== emptyCall && !name.endsWith(byHandRow("")),
  );
  return Object.fromEntries(
    names.map((name) => {
      const floor = name === memoryRow ? 1 : (figures[byHandRow(name)] ?? figures[emptyCall] ?? 1);
      return [name, round((figures[name] ?? 0) / floor)];
    }),
  );
}

/** Row by row the lesser of two: what other work on the machine has added least to. */
function leastOf(one: Figures, other: Figures): Figures {
  return Object.fromEntries(
    Object.entries(other).map(([name, value]) => [name, Math.min(value, one[name] ?? value)]),
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
