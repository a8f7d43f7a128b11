import {
  ContainerMetricsSchema,
  ListPodSandboxMetricsResponseSchema,
  MetricSchema,
  PodSandboxMetricsSchema,
  UInt64ValueSchema,
} from "@dockershim/cri-types";
import { createMessageWriter, lengthDelimitedTag, varintTag } from "../messages/message-writer.js";
import { metricCatalog } from "./metric-catalog.js";

/**
 * Adds a sample; one without a value is left out, and one below zero, which CRI has none of. Extra
 * labels are in the catalog's order.
 */
export type AddSample = (
  name: string,
  value: bigint | undefined,
  ...labels: readonly string[]
) => void;

/**
 * Writes the pods of one reply as they go on the wire, each sample at once: the metrics of 100
 * containers are 7,800 samples, and as messages they would be made, encoded and thrown away.
 */
export interface MetricsWriter {
  beginPod(id: string): void;
  endPod(): void;
  /** Begins a container of the pod. The pod's own samples come before the first of them. */
  beginContainer(id: string): void;
  endContainer(): void;
  /** Adds samples that have these values of the common labels. */
  samples(common: readonly string[]): AddSample;
  /** All pods as the fields of ListPodSandboxMetrics' reply. */
  fields(): Uint8Array<ArrayBuffer>;
  /** Each pod as its length and the message. */
  items(): Uint8Array<ArrayBuffer>[];
}

const pod = PodSandboxMetricsSchema.field;
const container = ContainerMetricsSchema.field;
const metric = MetricSchema.field;

const podTag = lengthDelimitedTag(ListPodSandboxMetricsResponseSchema.field.podMetrics);
const podTags = {
  id: lengthDelimitedTag(pod.podSandboxId),
  metric: lengthDelimitedTag(pod.metrics),
  container: lengthDelimitedTag(pod.containerMetrics),
};
const containerTags = {
  id: lengthDelimitedTag(container.containerId),
  metric: lengthDelimitedTag(container.metrics),
};
const metricTags = {
  name: lengthDelimitedTag(metric.name),
  type: varintTag(metric.metricType),
  label: lengthDelimitedTag(metric.labelValues),
  value: lengthDelimitedTag(metric.value),
};
const numberTag = varintTag(UInt64ValueSchema.field.value);

/** Name and type of each metric. Its timestamp of zero, which is not written, says: read just now. */
const heads: ReadonlyMap<string, Uint8Array> = new Map(
  Object.entries(metricCatalog).map(([name, { type }]) => {
    const writer = createMessageWriter(128);
    writer.string(metricTags.name, name);
    // Zero is what an absent one is.
    if (type > 0) writer.number(metricTags.type, type);
    return [name, writer.view()];
  }),
);

/** @param initialBytes Room for the reply; it grows when that is not enough. */
export function createMetricsWriter(initialBytes: number): MetricsWriter {
  const writer = createMessageWriter(initialBytes);
  const places: { start: number; end: number }[] = [];
  let podBegun = { start: 0, content: 0 };
  let containerBegun: number | undefined;

  return {
    beginPod(id) {
      // The tag before it is one byte.
      const start = writer.length() + 1;
      podBegun = { start, content: writer.begin(podTag) };
      writer.string(podTags.id, id);
    },
    endPod() {
      writer.end(podBegun.content);
      places.push({ start: podBegun.start, end: writer.length() });
    },
    beginContainer(id) {
      containerBegun = writer.begin(podTags.container);
      writer.string(containerTags.id, id);
    },
    endContainer() {
      if (containerBegun !== undefined) writer.end(containerBegun);
      containerBegun = undefined;
    },
    samples(common) {
      const labelWriter = createMessageWriter(512);
      for (const label of common) labelWriter.string(metricTags.label, label);
      const commonLabels = labelWriter.view();
      const tag = containerBegun === undefined ? podTags.metric : containerTags.metric;
      return (name, value, ...labels) => {
        const head = heads.get(name);
        if (value === undefined || value < 0n || head === undefined) return;
        const begun = writer.begin(tag);
        writer.raw(head);
        writer.raw(commonLabels);
        for (const label of labels) writer.string(metricTags.label, label);
        writer.wrappedNumber(metricTags.value, numberTag, value);
        writer.end(begun);
      };
    },
    fields: () => writer.view(),
    items: () => places.map(({ start, end }) => writer.view(start, end)),
  };
}
