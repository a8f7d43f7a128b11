import {
  ContainerMetricsSchema,
  MetricSchema,
  PodSandboxMetricsSchema,
  UInt64ValueSchema,
} from "@dockershim/cri-types";
import {
  createMessageWriter,
  lengthDelimitedTag,
  type MessageWriter,
  varintTag,
} from "../messages/message-writer.js";
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
 * Writes PodSandboxMetrics as they go on the wire, each sample at once: the metrics of 100
 * containers are 7,800 samples, and as messages they would be made, encoded and thrown away.
 */
export interface MetricsWriter {
  /** Begins a pod; what was begun before is lost. */
  beginPod(id: string): void;
  /** @returns The pod as a field's content: its length and the message. */
  endPod(): Uint8Array<ArrayBuffer>;
  /** Begins a container of the pod. The pod's own samples come before the first of them. */
  beginContainer(id: string): void;
  endContainer(): void;
  /** Adds samples that have these values of the common labels. */
  samples(common: readonly string[]): AddSample;
}

const pod = PodSandboxMetricsSchema.field;
const container = ContainerMetricsSchema.field;
const metric = MetricSchema.field;

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
function encodeHeads(writer: MessageWriter): ReadonlyMap<string, Uint8Array> {
  return new Map(
    Object.entries(metricCatalog).map(([name, { type }]) => {
      writer.clear();
      writer.string(metricTags.name, name);
      // Zero is what an absent one is.
      if (type > 0) writer.number(metricTags.type, type);
      return [name, writer.bytesFrom(0)];
    }),
  );
}

export function createMetricsWriter(): MetricsWriter {
  const writer = createMessageWriter();
  const labelWriter = createMessageWriter();
  const heads = encodeHeads(labelWriter);
  let podBegun = 0;
  let containerBegun: number | undefined;

  return {
    beginPod(id) {
      writer.clear();
      containerBegun = undefined;
      podBegun = writer.begin(podTags.container);
      writer.string(podTags.id, id);
    },
    endPod() {
      writer.end(podBegun);
      return writer.bytesFrom(1);
    },
    beginContainer(id) {
      containerBegun = writer.begin(podTags.container);
      writer.string(containerTags.id, id);
    },
    endContainer() {
      if (containerBegun === undefined) return;
      writer.end(containerBegun);
      containerBegun = undefined;
    },
    samples(common) {
      labelWriter.clear();
      for (const label of common) labelWriter.string(metricTags.label, label);
      const commonLabels = labelWriter.bytesFrom(0);
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
  };
}
