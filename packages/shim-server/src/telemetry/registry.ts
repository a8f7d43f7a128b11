/** Values by label values, in the order of the metric's label names. */
type Labels = readonly string[];

/** A value that only grows. */
export interface Counter {
  add(amount: number, ...labels: Labels): void;
}

/** Counts of values by size, from which quantiles are estimated. */
export interface Histogram {
  /** @param value In the unit that the metric's name ends in. */
  observe(value: number, ...labels: Labels): void;
}

/** What a gauge holds at the moment, with its label values. */
export type GaugeSample = readonly [value: number, ...labels: string[]];

/** Metrics in Prometheus' text format, version 0.0.4. */
export interface Registry {
  counter(name: string, help: string, labelNames?: Labels): Counter;
  /** @param buckets Upper bounds, ascending. */
  histogram(name: string, help: string, buckets: readonly number[], labelNames?: Labels): Histogram;
  /** A value that is asked for when somebody scrapes. */
  gauge(name: string, help: string, read: () => Iterable<GaugeSample>, labelNames?: Labels): void;
  /** A counter that somebody else keeps. */
  counted(name: string, help: string, read: () => Iterable<GaugeSample>, labelNames?: Labels): void;
  render(): string;
}

/** Everything that is needed of Prometheus here takes less than a client library's dependencies. */
export function createRegistry(): Registry {
  const renderers: (() => string)[] = [];

  function register(name: string, help: string, type: string, lines: () => string[]): void {
    const head = `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`;
    renderers.push(() => head + lines().join(""));
  }

  const read =
    (type: "gauge" | "counter"): Registry["gauge"] =>
    (name, help, samples, labelNames = []) => {
      register(name, help, type, () =>
        Array.from(samples(), ([value, ...labels]) => line(name, labelNames, labels, value)),
      );
    };

  return {
    counter(name, help, labelNames = []) {
      const values = new Map<string, { labels: Labels; value: number }>();
      register(name, help, "counter", () =>
        Array.from(values.values(), ({ labels, value }) => line(name, labelNames, labels, value)),
      );
      return {
        add(amount, ...labels) {
          const key = keyOf(labels);
          const known = values.get(key);
          if (known === undefined) values.set(key, { labels, value: amount });
          else known.value += amount;
        },
      };
    },
    histogram(name, help, buckets, labelNames = []) {
      const series = new Map<string, { labels: Labels; counts: number[]; sum: number }>();
      register(name, help, "histogram", () =>
        [...series.values()].flatMap(({ labels, counts, sum }) => {
          let total = 0;
          const bounds = [...buckets.map(String), "+Inf"];
          const lines = bounds.map((bound, index) => {
            total += counts[index] ?? 0;
            return line(`${name}_bucket`, [...labelNames, "le"], [...labels, bound], total);
          });
          lines.push(line(`${name}_sum`, labelNames, labels, sum));
          lines.push(line(`${name}_count`, labelNames, labels, total));
          return lines;
        }),
      );
      return {
        observe(value, ...labels) {
          const key = keyOf(labels);
          let one = series.get(key);
          if (one === undefined) {
            one = { labels, counts: new Array<number>(buckets.length + 1).fill(0), sum: 0 };
            series.set(key, one);
          }
          let bucket = 0;
          while (bucket < buckets.length && value > (buckets[bucket] ?? 0)) bucket++;
          one.counts[bucket] = (one.counts[bucket] ?? 0) + 1;
          one.sum += value;
        },
      };
    },
    gauge: read("gauge"),
    counted: read("counter"),
    render: () => renderers.map((render) => render()).join(""),
  };
}

/** Label values come from method names and codes, which have no zero bytes. */
function keyOf(labels: Labels): string {
  return labels.length === 1 ? (labels[0] ?? "") : labels.join("\0");
}

function line(name: string, labelNames: Labels, labels: Labels, value: number): string {
  if (labelNames.length === 0) return `${name} ${value}\n`;
  const pairs = labelNames.map((label, index) => `${label}="${escapeLabel(labels[index] ?? "")}"`);
  return `${name}{${pairs.join(",")}} ${value}\n`;
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
