import { styleText } from "node:util";
import type { PodTimeline } from "@dockershim/cri-types/timelines";
import { shortId } from "../output/short-id.js";
import { cutTo, oneLine } from "../output/table.js";
import { formatMs, type Stretch, type TimelineRow } from "./timeline-stretches.js";

const indents = { call: "", span: "  ", wait: "", mark: "" } as const;
const colours = { call: "cyan", span: "blue", wait: "dim", mark: "green" } as const;
const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/**
 * A timeline with a line for each call and what it asked of others, and bars of their time.
 *
 * @param width Columns.
 */
export function timelineText(
  pod: PodTimeline,
  stretches: readonly Stretch[],
  width: number,
  colour: boolean,
): string {
  const head = `Pod ${podTitle(pod)}\n`;
  const gone =
    pod.forgotten > 0 ? `${pod.forgotten} calls in between are not kept any more.\n` : "";
  return [head + gone, ...stretches.map((stretch) => stretchText(stretch, width, colour))].join(
    "\n",
  );
}

/** What a pod is called, as a title. */
export function podTitle({ namespace, name, podSandboxId, attempt }: PodTimeline): string {
  const id = podSandboxId === "" ? "no sandbox" : shortId(podSandboxId, false);
  return `${namespace}/${name}  ${id}${attempt > 0 ? `  attempt ${attempt}` : ""}`;
}

/** What a row is about, with its container. */
export function rowTitle({ kind, name, container }: TimelineRow): string {
  return kind === "span" || container === "" ? name : `${name} ${container}`;
}

function stretchText(stretch: Stretch, width: number, colour: boolean): string {
  const { title, startedAt, duration, rows } = stretch;
  const time = new Date(startedAt).toISOString().replace("T", " ").slice(0, 23);
  const names = rows.map(
    (row) =>
      indents[row.kind] +
      rowTitle(row) +
      (row.kind === "span" && row.error !== "" ? " (failed)" : ""),
  );
  const nameWidth = Math.min(
    Math.max(...names.map((name) => name.length)),
    Math.floor(width / 2) - 10,
  );
  const barWidth = Math.max(8, width - nameWidth - 19);
  const lines = rows.map((row, index) => {
    const cells = `${formatMs(row.offset).padStart(8)}  ${cutTo(names[index] ?? "", nameWidth).padEnd(nameWidth)}`;
    const drawn = bar(row, duration, barWidth);
    const painted = colour
      ? styleText(row.error === "" ? colours[row.kind] : "red", drawn, { validateStream: false })
      : drawn;
    const took = row.kind === "mark" ? "" : formatMs(row.duration).padStart(8);
    const line = `${cells} ${painted}${took}`.trimEnd();
    const why = row.kind === "call" && row.error !== "" ? `\n          ${oneLine(row.error)}` : "";
    return `${line}${why}\n`;
  });
  return `${title}, ${time} UTC, ${formatMs(duration)}\n${lines.join("")}`;
}

/** Where in the stretch something was, in eighths of a column. */
function bar({ kind, offset, duration }: TimelineRow, whole: number, width: number): string {
  const scale = whole > 0 ? width / whole : 0;
  const from = Math.min(width - 1, Math.floor(offset * scale));
  if (kind === "mark") return `${" ".repeat(from)}◆`.padEnd(width);
  const end = duration === undefined ? width : Math.min(width, (offset + duration) * scale);
  const length = Math.max(0.125, end - from);
  const full = Math.floor(length);
  const drawn = "█".repeat(full) + (eighths[Math.floor((length - full) * 8)] ?? "");
  return (" ".repeat(from) + drawn).slice(0, width).padEnd(width);
}
