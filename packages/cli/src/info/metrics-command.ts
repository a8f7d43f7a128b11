import { once } from "node:events";
import type { CriClient } from "@dockershim/cri-client";
import { type Metric, MetricType } from "@dockershim/cri-types";
import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "../runtime/runtime-options.js";

/** `dockershim metrics` */
export const defineMetrics: DefineCommand = (command, { terminal }) => {
  addDebugOption(addRuntimeOptions(command));
  command.action(() =>
    withRuntime(command, terminal, async (client) => {
      const text = await readMetrics(client);
      if (!terminal.stdout.write(text)) await once(terminal.stdout, "drain");
    }),
  );
};

/** The metrics that a kubelet passes on from CRI, in Prometheus' text format, a family after the other. */
async function readMetrics({ runtime }: CriClient): Promise<string> {
  const [{ descriptors }, { podMetrics }] = await Promise.all([
    runtime.listMetricDescriptors({}),
    runtime.listPodSandboxMetrics({}),
  ]);
  const all = podMetrics.flatMap(({ metrics, containerMetrics }) => [
    ...metrics,
    ...containerMetrics.flatMap((each) => each.metrics),
  ]);
  const families = Map.groupBy(all, ({ name }) => name);
  const known = new Map(descriptors.map((each) => [each.name, each]));
  return [...families]
    .map(([name, metrics]) => {
      const { help = "", labelKeys = [] } = known.get(name) ?? {};
      const type = metrics[0]?.metricType === MetricType.COUNTER ? "counter" : "gauge";
      const head = `# HELP ${name} ${escapeText(help)}\n# TYPE ${name} ${type}\n`;
      return head + metrics.map((each) => sample(each, labelKeys)).join("");
    })
    .join("");
}

function sample({ name, labelValues, value, timestamp }: Metric, keys: readonly string[]): string {
  const labels = keys.map((key, index) => `${key}="${escapeLabel(labelValues[index] ?? "")}"`);
  // Nanoseconds; Prometheus has milliseconds.
  const time = timestamp > 0n ? ` ${timestamp / 1_000_000n}` : "";
  const set = labels.length > 0 ? `{${labels.join(",")}}` : "";
  return `${name}${set} ${value?.value ?? 0n}${time}\n`;
}

function escapeText(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeLabel(text: string): string {
  return escapeText(text).replaceAll('"', '\\"');
}
