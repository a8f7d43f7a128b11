import { styleText } from "node:util";
import { containerStateName } from "../objects/container-state.js";
import { formatBinaryBytes } from "../output/byte-size.js";
import { cutTo, oneLine } from "../output/table.js";
import { hasEnded, rowName, type TopRow } from "./top-rows.js";
import type { TopPod, Use } from "./top-snapshot.js";
import { rowsOf, type TopState } from "./top-state.js";

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Lines above and below the list. */
const frameLines = 4;

/** Lines that a page of the list has. */
export function pageOf({ rows }: Size): number {
  return Math.max(1, rows - frameLines);
}

/** Columns from the right; those that come first are left out first where there is no room. */
const columns = [
  { title: "STATE", width: 9 },
  { title: "TX/S", width: 8 },
  { title: "RX/S", width: 8 },
  { title: "PSI", width: 6 },
  { title: "RESTARTS", width: 8 },
  { title: "LIMIT", width: 5 },
  { title: "MEMORY", width: 8 },
  { title: "CPU", width: 7 },
] as const;
const order = ["CPU", "MEMORY", "LIMIT", "PSI", "RX/S", "TX/S", "RESTARTS", "STATE"] as const;
type Title = (typeof order)[number];

const leastName = 22;

/** The whole screen: as many lines as it has rows, none wider than its columns. */
export function drawTop(state: TopState, size: Size, colour: boolean): string[] {
  const paint = (format: Parameters<typeof styleText>[0], text: string): string =>
    colour ? styleText(format, text, { validateStream: false }) : text;
  const body = bodyOf(state, size, paint);
  const lines = [
    paint("bold", cutTo(titleOf(state), size.columns)),
    ...body,
    ...Array<string>(Math.max(0, size.rows - 3 - body.length)).fill(""),
    paint("yellow", cutTo(messageOf(state), size.columns)),
    paint("dim", cutTo(keysOf(state), size.columns)),
  ];
  return lines.slice(0, size.rows);
}

function titleOf({ snapshot, order: by, filter, only }: TopState): string {
  if (snapshot === undefined) return "dockershim top: reading …";
  const { pods, logLag, at } = snapshot;
  const containers = pods.reduce((sum, pod) => sum + pod.containers.length, 0);
  const cpu = pods.reduce((sum, pod) => sum + (pod.cpu ?? 0), 0);
  const memory = pods.reduce((sum, pod) => sum + (pod.memory ?? 0n), 0n);
  // What comes first stays where there is little room.
  return [
    new Date(at).toISOString().slice(11, 19),
    `by ${by}`,
    ...(only === undefined ? [] : ["one pod"]),
    ...(filter === "" ? [] : [`of "${filter}"`]),
    ...(logLag && logLag.containers > 0
      ? [`${logLag.containers} logs behind ${Math.round(logLag.seconds)}s`]
      : []),
    `${(cpu / 1e9).toFixed(2)} cores`,
    formatBinaryBytes(memory),
    `${pods.length} pods, ${containers} containers`,
  ].join("  ");
}

function messageOf({ mode, problem, said, filter }: TopState): string {
  if (mode.kind === "confirm") {
    const what = mode.row.kind === "pod" ? "pod" : "container";
    return `Stop the ${what} ${rowName(mode.row)}? It has 10 s to end, then it is killed. y/N`;
  }
  if (mode.kind === "filter") return `Filter: ${filter}_`;
  return oneLine(problem ?? said);
}

function keysOf({ mode }: TopState): string {
  switch (mode.kind) {
    case "filter":
      return "letters narrow the list  Enter keep  Esc show all";
    case "confirm":
      return "y stop  any other key goes on";
    case "text":
      return "up/down scroll  Esc back";
    case "help":
      return "any key goes back";
    case "list":
      return "Enter open  Esc back  s sort  / filter  l logs  e shell  k kill  ? help  q quit";
  }
}

type Paint = (format: Parameters<typeof styleText>[0], text: string) => string;

function bodyOf(state: TopState, size: Size, paint: Paint): string[] {
  const { mode } = state;
  if (mode.kind === "help") return helpLines.map((line) => cutTo(line, size.columns));
  if (mode.kind === "text") {
    const lines = mode.text.split("\n").slice(mode.from, mode.from + pageOf(size));
    return lines.map((line) => cutTo(oneLine(line), size.columns));
  }
  const { rows, at } = rowsOf(state);
  const shown = layout(size.columns);
  const width = size.columns - shown.reduce((sum, column) => sum + column.width + 1, 0);
  const line = (name: string, cells: Readonly<Record<Title, string>>): string =>
    cutTo(name, width).padEnd(width) +
    shown
      .map((column) => ` ${cutTo(cells[column.title], column.width).padStart(column.width)}`)
      .join("");
  const titles = Object.fromEntries(order.map((title) => [title, title])) as Record<Title, string>;
  const header = paint("inverse", line("POD / CONTAINER", titles));
  if (state.snapshot && rows.length === 0) {
    return [header, state.filter === "" ? "no pods" : `nothing has "${state.filter}" in its name`];
  }
  const page = pageOf(size);
  const from = Math.max(0, Math.min(at - Math.floor(page / 2), rows.length - page));
  return [
    header,
    ...rows.slice(from, from + page).map((row, index) => {
      const isChosen = from + index === at;
      const indent = row.kind === "pod" ? "" : "  ";
      const name = `${isChosen ? ">" : " "}${indent}${row.kind === "pod" ? row.pod.name : row.container.name}`;
      const text = line(name, cellsOf(row));
      if (isChosen) return paint(["bold", "cyan"], text);
      if (hasEnded(row)) return paint("dim", text);
      return isUnderPressure(row) ? paint("red", text) : text;
    }),
  ];
}

/** As many columns as leave room for a name. */
function layout(width: number): (typeof columns)[number][] {
  let kept = [...columns];
  const needed = (): number => kept.reduce((sum, column) => sum + column.width + 1, leastName);
  while (kept.length > 1 && needed() > width) kept = kept.slice(1);
  return order.flatMap((title) => kept.filter((column) => column.title === title));
}

function isUnderPressure(row: TopRow): boolean {
  const { pressure = 0, ofLimit = 0 } = useOf(row);
  return pressure >= 20 || ofLimit >= 0.9;
}

function useOf(row: TopRow): Use {
  return row.kind === "pod" ? row.pod : row.container;
}

function cellsOf(row: TopRow): Record<Title, string> {
  const { cpu, memory, ofLimit, pressure } = useOf(row);
  const { received, sent }: Partial<TopPod> = row.kind === "pod" ? row.pod : {};
  const rate = (bytes: number | undefined): string =>
    bytes === undefined ? "-" : formatBinaryBytes(BigInt(Math.round(bytes)));
  const state =
    row.kind === "container"
      ? containerStateName(row.container.state)
      : row.pod.ready
        ? "Ready"
        : "NotReady";
  return {
    CPU: cpu === undefined ? "-" : `${Math.round(cpu / 1e6)}m`,
    MEMORY: memory === undefined ? "-" : formatBinaryBytes(memory),
    LIMIT: ofLimit === undefined ? "-" : `${Math.round(ofLimit * 100)}%`,
    PSI: pressure === undefined ? "-" : `${pressure.toFixed(1)}%`,
    "RX/S": row.kind === "pod" ? rate(received) : "",
    "TX/S": row.kind === "pod" ? rate(sent) : "",
    RESTARTS: String(row.kind === "pod" ? row.pod.restarts : row.container.restarts),
    STATE: state,
  };
}

const helpLines = [
  "",
  "  up, down, PgUp, PgDn, Home, End   choose a line",
  "  Enter   only this pod; of a container, or the pod again: all about it",
  "  Esc     back to all pods; without the filter",
  "  s       the next order: CPU, memory, pressure, network, restarts, name",
  "  /       only what has this in its name",
  "  l       follow the log; Ctrl-C comes back",
  "  e       a shell in the container; its end comes back",
  "  k       stop it, after a question",
  "  q       quit, as Ctrl-C",
  "",
  "  CPU is in thousandths of a core, memory the working set. PSI is how much of",
  "  the last 10 s something had to wait for CPU, memory or disk.",
  "  Red lines are under pressure, or near their limit.",
];
