import type { EndpointResult, Stage } from "./compare.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Row } from "./measure-calls.ts";

/** Lays cells out in columns; the first column is text, the others are numbers. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) =>
    Math.max(...all.map((cells) => (cells[column] ?? "").length)),
  );
  return all
    .map((cells) =>
      cells
        .map((cell, column) => {
          const width = widths[column] ?? 0;
          return column === 0 ? cell.padEnd(width) : cell.padStart(width);
        })
        .join("  ")
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join("");
}

/** `p50 / p90 / p99`, in ms. */
export function formatRow(row: Row | undefined): string {
  if (row === undefined) return "–";
  if (typeof row === "string") return row;
  return [row.p50, row.p90, row.p99].map(formatMs).join(" / ");
}

/** Rows of several beside each other, all but one with their ratio to that one. */
function formatBeside(rows: readonly (Row | undefined)[], to = 0): string[] {
  const base = rows[to];
  return rows.map((row, index) => {
    if (index === to || typeof row !== "object" || typeof base !== "object") return formatRow(row);
    return `${formatRow(row)} (${(row.p50 / base.p50).toFixed(2)})`;
  });
}

function formatMs(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function formatNumber(value: number | undefined, digits = 1): string {
  return value === undefined ? "–" : value.toFixed(digits);
}

const figures: readonly [title: string, of: (stage: Stage) => string][] = [
  ["ListContainers/s, parallel", ({ listsPerSecond }) => formatNumber(listsPerSecond, 0)],
  ["pods made a second, 4 at once", ({ fillPerSecond }) => formatNumber(fillPerSecond)],
  ["polling: CPU of the daemon, %", ({ daemonCpu }) => formatNumber(daemonCpu)],
  ["polling: CPU of dockerd, %", ({ dockerdCpu }) => formatNumber(dockerdCpu)],
  ["polling: CPU of containerd, %", ({ containerdCpu }) => formatNumber(containerdCpu)],
  ["polling: event loop's delay, p99, ms", ({ loopDelay }) => formatNumber(loopDelay)],
  ["RSS after polling, MB", ({ rssMb }) => formatNumber(rssMb, 0)],
];

/** Everything that was measured, for people. */
export function formatComparison(results: readonly EndpointResult[]): string {
  const names = results.map(({ name }) => name);
  const parts = results.map(({ name, version }) => `${name}: ${version}\n`);
  const ratios = results.length > 1 ? `; in brackets p50 as a multiple of ${names[0]}'s` : "";
  parts.push(`\nms: p50 / p90 / p99${ratios}\n`);
  const lifecycle = Object.keys(results[0]?.lifecycle ?? {});
  if (lifecycle.length > 0) {
    parts.push(
      "\n",
      formatTable(
        ["pods one by one", ...names],
        lifecycle.map((row) => [row, ...formatBeside(results.map((each) => each.lifecycle[row]))]),
      ),
    );
  }
  for (const [index, stage] of (results[0]?.stages ?? []).entries()) {
    const stages = results.map((each) => each.stages[index]);
    const rows = [
      ...Object.keys(stage.rows).map((row) => [
        row,
        ...formatBeside(stages.map((each) => each?.rows[row])),
      ]),
      ...figures.map(([title, of]) => [
        title,
        ...stages.map((each) => (each === undefined ? "–" : of(each))),
      ]),
    ];
    parts.push("\n", formatTable([`${stage.pods} pods`, ...names], rows));
  }
  return parts.join("");
}

/** Pods of endpoints beside those made by hand, which come last: each row with the ratio of its p50. */
export function formatLifecycles(found: readonly Lifecycle[], atOnce: number): string {
  const rows: readonly [title: string, of: (each: Lifecycle) => Row][] = [
    ["pod start", ({ start }) => start],
    ["pod stop and remove", ({ stop }) => stop],
    [`${atOnce} at once start`, ({ startAtOnce }) => startAtOnce],
    [`${atOnce} at once stop and remove`, ({ stopAtOnce }) => stopAtOnce],
  ];
  const parts = [
    "ms: p50 / p90 / p99; in brackets p50 as a multiple of by hand\n\n",
    formatTable(
      ["pods with their network", ...found.map(({ name }) => name)],
      rows.map(([title, of]) => [title, ...formatBeside(found.map(of), found.length - 1)]),
    ),
  ];
  for (const { name, steps } of found) {
    const lines = Object.entries(steps).map(([step, row]) => [step, formatRow(row)]);
    parts.push("\n", formatTable([`${name}, one by one`, "ms"], lines));
  }
  return parts.join("");
}
