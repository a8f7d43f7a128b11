import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  ListPodSandboxMetricsResponseSchema,
  type Metric,
  MetricSchema,
  type PodSandboxMetricsSchema,
} from "@dockershim/cri-types";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { withEncodedItems } from "../src/messages/encoded.js";
import { metricCatalog } from "../src/stats/metric-catalog.js";
import { createMetricsWriter, type MetricsWriter } from "../src/stats/metrics-writer.js";

interface Sample {
  readonly name: string;
  readonly value: bigint | undefined;
  readonly labels: readonly string[];
}

interface Samples {
  readonly common: readonly string[];
  readonly samples: readonly Sample[];
}

interface Pod extends Samples {
  readonly id: string;
  readonly containers: readonly (Samples & { readonly id: string })[];
}

// Lengths around 64, 128 and 16,384, where lengths and ways to copy change.
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 150 }),
  fc.string({ unit: "grapheme-ascii", maxLength: 150 }),
  fc.constantFrom(63, 64, 65, 127, 128, 16_383, 16_384).map((length) => "x".repeat(length)),
  // A string of JavaScript may have halves of characters.
  fc.constantFrom("\ud800", "a\udc00b"),
);
// A field of no text is left out by protobuf; ids are none such.
const id = text.filter((each) => each !== "");
const labels = fc.array(text, { maxLength: 4 });
const value = fc.oneof(
  fc.constant(undefined),
  fc.nat().map(BigInt),
  fc.bigInt(-1n, 2n ** 64n - 1n),
  fc.constantFrom(0n, 127n, 128n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n),
);
const samples = fc.array(
  fc.record({
    name: fc.constantFrom(...Object.keys(metricCatalog), "container_of_no_catalog"),
    value,
    labels,
  }),
  { maxLength: 20 },
);
const pods: fc.Arbitrary<Pod[]> = fc.array(
  fc.record({
    id,
    common: labels,
    samples,
    containers: fc.array(fc.record({ id, common: labels, samples }), { maxLength: 4 }),
  }),
  { maxLength: 4 },
);

/** The messages that samples are, by protobuf's own encoder. */
function messages({ common, samples }: Samples): Metric[] {
  return samples.flatMap(({ name, value, labels }) => {
    const kind = metricCatalog[name];
    if (kind === undefined || value === undefined || value < 0n) return [];
    return create(MetricSchema, {
      name,
      metricType: kind.type,
      labelValues: [...common, ...labels],
      value: { value },
    });
  });
}

function expected(pods: readonly Pod[]): MessageInitShape<typeof PodSandboxMetricsSchema>[] {
  return pods.map((pod) => ({
    podSandboxId: pod.id,
    metrics: messages(pod),
    containerMetrics: pod.containers.map((container) => ({
      containerId: container.id,
      metrics: messages(container),
    })),
  }));
}

function write(pods: readonly Pod[]): MetricsWriter {
  // So little that it has to grow.
  const writer = createMetricsWriter(1);
  const addAll = ({ common, samples }: Samples) => {
    const add = writer.samples(common);
    for (const { name, value, labels } of samples) add(name, value, ...labels);
  };
  for (const pod of pods) {
    writer.beginPod(pod.id);
    addAll(pod);
    for (const container of pod.containers) {
      writer.beginContainer(container.id);
      addAll(container);
      writer.endContainer();
    }
    writer.endPod();
  }
  return writer;
}

test("a reply is what protobuf's encoder makes of the same samples, as a whole and pod by pod", () => {
  const schema = ListPodSandboxMetricsResponseSchema;
  fc.assert(
    fc.property(pods, (all) => {
      const own = toBinary(schema, create(schema, { podMetrics: expected(all) }));
      const writer = write(all);
      expect(Buffer.from(writer.fields()).equals(own)).toBe(true);
      const reply = withEncodedItems(schema, schema.field.podMetrics, writer.items());
      expect(Buffer.from(toBinary(schema, reply)).equals(own)).toBe(true);
      expect(fromBinary(schema, writer.fields()).podMetrics).toHaveLength(all.length);
    }),
    { numRuns: 200 },
  );
});
