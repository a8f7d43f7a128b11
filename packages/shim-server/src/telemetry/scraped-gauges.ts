import { Gauge, type Registry } from "prom-client";

/** A label's value, and what a metric has for it. */
export type LabelledValue = readonly [label: string, value: number];

/** Adds a gauge that is read whenever somebody scrapes. */
export function addGauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}

/** The same with a label; what is not read any more is no longer shown. */
export function addGaugeByLabel(
  registry: Registry,
  name: string,
  help: string,
  label: string,
  read: () => Iterable<LabelledValue>,
): void {
  new Gauge({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      this.reset();
      for (const [of, value] of read()) this.set({ [label]: of }, value);
    },
  });
}
