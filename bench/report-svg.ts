import type { EndpointResult, Stage } from "./compare.ts";

/** One small picture: how a figure grows with the number of pods. */
interface Panel {
  readonly title: string;
  readonly of: (stage: Stage) => number | undefined;
}

const p50 =
  (name: string) =>
  ({ rows }: Stage): number | undefined => {
    const row = rows[name];
    return row === undefined || typeof row === "string" ? undefined : row.p50;
  };

const panels: readonly Panel[] = [
  { title: "ListContainers, ms", of: p50("ListContainers") },
  { title: "ListPodSandbox, ms", of: p50("ListPodSandbox") },
  { title: "PodSandboxStatus, ms", of: p50("PodSandboxStatus") },
  { title: "ContainerStatus, ms", of: p50("ContainerStatus") },
  { title: "ListContainerStats, ms", of: p50("ListContainerStats") },
  { title: "CPU while polled, %", of: (stage) => stage.daemonCpu },
  { title: "RSS, MB", of: (stage) => stage.rssMb },
  { title: "ListContainers a second", of: (stage) => stage.listsPerSecond },
  { title: "Event loop's delay, p99, ms", of: (stage) => stage.loopDelay },
];

const colours = ["#0b6e4f", "#c8553d", "#3d5a99", "#8a6d1f", "#6b4c8a"];
const columns = 3;
const size = { width: 300, height: 210 };
const plot = { left: 48, top: 34, width: 232, height: 136 };
const legendHeight = 34;

/** Draws the growth of the main figures as an SVG; the vertical axes begin at 0. */
export function drawGrowth(results: readonly EndpointResult[]): string {
  const width = columns * size.width;
  const height = legendHeight + Math.ceil(panels.length / columns) * size.height;
  const legend = results.map(({ name }, index) => {
    const x = plot.left + index * 160;
    return (
      `<rect x="${x}" y="12" width="18" height="4" fill="${colour(index)}"/>` +
      text(x + 24, 18, name)
    );
  });
  const drawn = panels.map((panel, index) => {
    const x = (index % columns) * size.width;
    const y = legendHeight + Math.floor(index / columns) * size.height;
    return `<g transform="translate(${x} ${y})">${drawPanel(panel, results)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}"`,
    ` font-family="sans-serif" font-size="12" fill="#222">`,
    `<title>Growth with the number of pods, p50</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...legend,
    ...drawn,
    "</svg>\n",
  ].join("\n");
}

function drawPanel({ title, of }: Panel, results: readonly EndpointResult[]): string {
  const lines = results.map(({ stages }) =>
    stages.flatMap((stage) => {
      const value = of(stage);
      return value === undefined ? [] : [{ pods: stage.pods, value }];
    }),
  );
  const points = lines.flat();
  const head = text(plot.left, plot.top - 12, title, "start", "bold");
  if (points.length === 0) return head + text(plot.left + 8, plot.top + 24, "not measured");
  const most = { pods: Math.max(...points.map((p) => p.pods)), value: roundUp(points) };
  const x = (pods: number) => round(plot.left + (pods / most.pods) * plot.width);
  const y = (value: number) => round(plot.top + plot.height * (1 - value / most.value));
  const grid = [0, 0.5, 1].map((share) => {
    const at = y(share * most.value);
    return (
      `<path d="M${plot.left} ${at}h${plot.width}" stroke="#ddd"/>` +
      text(plot.left - 6, at + 4, String(round(share * most.value)), "end")
    );
  });
  const ticks = [...new Set(points.map((p) => p.pods))].map((pods) =>
    text(x(pods), plot.top + plot.height + 18, String(pods), "middle"),
  );
  const curves = lines.map((line, index) => {
    if (line.length === 0) return "";
    const path = line.map((p, i) => `${i === 0 ? "M" : "L"}${x(p.pods)} ${y(p.value)}`).join("");
    const dots = line.map(
      (p) => `<circle cx="${x(p.pods)}" cy="${y(p.value)}" r="3" fill="${colour(index)}"/>`,
    );
    return `<path d="${path}" fill="none" stroke="${colour(index)}" stroke-width="2"/>${dots.join("")}`;
  });
  return [head, ...grid, ...ticks, ...curves].join("");
}

/** The next of 1, 2 or 5 times a power of ten, so that the axis has round numbers. */
function roundUp(points: readonly { readonly value: number }[]): number {
  const most = Math.max(...points.map((p) => p.value), 0.001);
  const power = 10 ** Math.floor(Math.log10(most));
  const step = [1, 2, 5, 10].find((each) => each * power >= most) ?? 10;
  return step * power;
}

function text(x: number, y: number, content: string, anchor = "start", weight = "normal"): string {
  const escaped = content.replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`);
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" font-weight="${weight}">${escaped}</text>`;
}

function colour(index: number): string {
  return colours[index % colours.length] ?? "#000";
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
