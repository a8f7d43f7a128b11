import type { Sample } from "./samples.ts";

interface Curve {
  readonly name: string;
  readonly of: (sample: Sample) => number | undefined;
}

interface Panel {
  readonly title: string;
  readonly curves: readonly Curve[];
}

const latency = (name: string, call: keyof Sample["latencies"]): Curve => ({
  name,
  of: ({ latencies }) => latencies[call],
});

const panels: readonly Panel[] = [
  {
    title: "Memory, MiB",
    curves: [
      { name: "resident", of: ({ rssMb }) => rssMb },
      { name: "heap in use", of: ({ heapMb }) => heapMb },
    ],
  },
  {
    title: "Descriptors and threads",
    curves: [
      { name: "descriptors", of: ({ fds }) => fds },
      { name: "threads", of: ({ threads }) => threads },
    ],
  },
  {
    title: "Event loop, p99 of its delay in ms",
    curves: [{ name: "delay", of: ({ loopP99Ms }) => loopP99Ms }],
  },
  {
    title: "Calls that read, median in ms",
    curves: [
      latency("lists", "lists"),
      latency("statuses", "statuses"),
      latency("stats", "stats"),
      latency("the engine alone", "engine"),
    ],
  },
  {
    title: "Calls that act, median in ms",
    curves: [
      latency("RunPodSandbox", "runPodSandbox"),
      latency("StartContainer", "startContainer"),
      latency("ExecSync", "execSync"),
    ],
  },
  { title: "Load of the machine", curves: [{ name: "last minute", of: ({ load }) => load }] },
];

const columns = 2;
const size = { width: 440, height: 230 };
const plot = { left: 56, top: 44, width: 366, height: 136 };

/**
 * Curves over time, with a dashed line for each restart of the engine; one point of each minute, the
 * median, so that trends show. Its colours follow the reader's scheme.
 */
export function drawSamples(samples: readonly Sample[], title: string): string {
  const height = Math.ceil(panels.length / columns) * size.height;
  const minutes = byMinute(samples);
  const drawn = panels.map((panel, index) => {
    const [x, y] = [(index % columns) * size.width, Math.floor(index / columns) * size.height];
    return `<g transform="translate(${x} ${y})">${drawPanel(panel, minutes, samples)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${columns * size.width} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    `<style>
  svg { --ground: #ffffff; --ink: #24292f; --faint: #d0d7de; --a: #0b6e4f; --b: #c8553d; --c: #3d5a99; --d: #8a6d1f; }
  @media (prefers-color-scheme: dark) {
    svg { --ground: #0d1117; --ink: #e6edf3; --faint: #3d444d; --a: #4cc38a; --b: #ff8f73; --c: #82a8ff; --d: #d9b44a; }
  }
  text { fill: var(--ink); } .ground { fill: var(--ground); } .faint { stroke: var(--faint); }
  .a { stroke: var(--a); } .b { stroke: var(--b); } .c { stroke: var(--c); } .d { stroke: var(--d); }
  .curve { fill: none; stroke-width: 1.6; } .restart { stroke: var(--faint); stroke-dasharray: 3 3; }
</style>`,
    `<rect class="ground" width="100%" height="100%"/>`,
    ...drawn,
    "</svg>\n",
  ].join("\n");
}

interface Minute {
  readonly minute: number;
  readonly samples: readonly Sample[];
}

function byMinute(samples: readonly Sample[]): Minute[] {
  const minutes = new Map<number, Sample[]>();
  for (const sample of samples) {
    const minute = Math.floor(sample.seconds / 60);
    minutes.set(minute, [...(minutes.get(minute) ?? []), sample]);
  }
  return [...minutes].map(([minute, of]) => ({ minute, samples: of }));
}

function drawPanel(
  { title, curves }: Panel,
  minutes: readonly Minute[],
  samples: readonly Sample[],
): string {
  const lines = curves.map(({ of }) =>
    minutes.flatMap(({ minute, samples: inMinute }) => {
      const values = inMinute.map(of).filter((value) => value !== undefined);
      const value = values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
      return value === undefined ? [] : [{ minute, value }];
    }),
  );
  const most = roundUp(Math.max(0.001, ...lines.flat().map(({ value }) => value)));
  const end = Math.max(1, ...minutes.map(({ minute }) => minute));
  const x = (minute: number) => (plot.left + (minute / end) * plot.width).toFixed(1);
  const y = (value: number) => (plot.top + plot.height * (1 - value / most)).toFixed(1);
  const bottom = plot.top + plot.height;
  const restarts = samples.flatMap((sample, at) =>
    at > 0 && sample.restarts > (samples[at - 1]?.restarts ?? 0) ? [sample.seconds / 60] : [],
  );
  return [
    text(plot.left, 18, title, "start", "bold"),
    ...curves.map(({ name }, at) => {
      const left = plot.left + at * (curves.length > 3 ? 84 : 120);
      return `<path class="curve ${"abcd"[at]}" d="M${left} 32h16"/>${text(left + 21, 36, name)}`;
    }),
    ...[0, 0.5, 1].map(
      (share) =>
        `<path class="faint" d="M${plot.left} ${y(share * most)}h${plot.width}"/>` +
        text(plot.left - 6, Number(y(share * most)) + 4, String(share * most), "end"),
    ),
    ...restarts.map((minute) => `<path class="restart" d="M${x(minute)} ${plot.top}V${bottom}"/>`),
    ...[0, 0.5, 1].map((share) =>
      text(Number(x(share * end)), bottom + 18, `${Math.round(share * end)} min`, "middle"),
    ),
    ...lines.map((line, at) => {
      const path = line.map(
        (point, index) => `${index === 0 ? "M" : "L"}${x(point.minute)} ${y(point.value)}`,
      );
      return `<path class="curve ${"abcd"[at]}" d="${path.join("")}"/>`;
    }),
  ].join("");
}

/** The next of 1, 2 or 5 times a power of ten, so that the axis has round numbers. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((each) => each * power >= value) ?? 10) * power;
}

function text(x: number, y: number, content: string, anchor = "start", weight = "normal"): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" font-weight="${weight}">${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`);
}
