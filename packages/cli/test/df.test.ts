import { expect, test } from "@jest/globals";
import { describeUsage, sumUsage, type UsageFacts } from "../src/disk-usage/usage-rows.js";
import { healthyNode } from "./sample-check-facts.js";

const facts: UsageFacts[] = [
  {
    kind: "images",
    things: [
      { size: 200e6, active: true },
      { size: 150e6, active: false },
    ],
    // Layers are shared.
    size: 300e6,
  },
  { kind: "containers", things: [{ size: 4096, active: true }] },
  { kind: "build cache", things: [], skipped: "the engine is out of reach" },
];

test("what is active is not reclaimable, and what is not known has no row", () => {
  expect(sumUsage(facts)).toEqual([
    { kind: "images", total: 2, active: 1, size: 300e6, reclaimable: 150e6 },
    { kind: "containers", total: 1, active: 1, size: 4096, reclaimable: 0 },
  ]);
});

test("of shared layers no more is reclaimable than all of them take", () => {
  const idle = { size: 200e6, active: false };
  expect(sumUsage([{ kind: "images", things: [idle, idle], size: 300e6 }])).toMatchObject([
    { reclaimable: 300e6 },
  ]);
});

test("this is what a person sees", () => {
  expect(describeUsage(facts, healthyNode.node.disks)).toMatchSnapshot();
});
