import { describe, expect, test } from "@jest/globals";
import { describeLeftover, findLeftovers, type Remains } from "../src/migrate/leftovers.js";

const gone = "a".repeat(64);
const there = "b".repeat(64);
const result = { file: "/r", id: gone, pod: "prod/web", hostPorts: [8080], own: true };
const checkpoint = { file: "/c", id: gone, pod: "prod/web" };
const address = { file: "/n/10.0.0.2", id: gone };
const nothing: Remains = { checkpoints: [], results: [], addresses: [], present: new Set([there]) };

describe("what cri-dockerd left of pods that are gone", () => {
  test.each<[string, Partial<Remains>, string[]]>([
    ["a checkpoint", { checkpoints: [checkpoint] }, ["checkpoint of pod prod/web: /c"]],
    [
      "a result in its own cache, whose plugins give its address back",
      { results: [result], addresses: [address] },
      ["network of pod prod/web, host ports 8080: /r"],
    ],
    [
      "a result in a cache that others use, of a pod that a checkpoint names",
      { results: [{ ...result, own: false }], checkpoints: [checkpoint] },
      ["network of pod prod/web, host ports 8080: /r", "checkpoint of pod prod/web: /c"],
    ],
    [
      "an address of a pod that a checkpoint names",
      { addresses: [address], checkpoints: [{ ...checkpoint, pod: "" }] },
      [`address of pod aaaaaaaaaaaaa: /n/10.0.0.2`, "checkpoint of pod aaaaaaaaaaaaa: /c"],
    ],
  ])("may go: %s", (_, remains, expected) => {
    expect(findLeftovers({ ...nothing, ...remains }).map(describeLeftover)).toEqual(expected);
  });

  test.each<[string, Partial<Remains>]>([
    ["a checkpoint of a pod that Docker has", { checkpoints: [{ ...checkpoint, id: there }] }],
    ["a result of one", { results: [{ ...result, id: there }] }],
    [
      "an address of one",
      {
        addresses: [{ ...address, id: there }],
        checkpoints: [{ ...checkpoint, id: there }],
      },
    ],
    ["a result that may be another runtime's", { results: [{ ...result, own: false }] }],
    ["an address that may be another runtime's", { addresses: [address] }],
  ])("stays: %s", (_, remains) => {
    expect(findLeftovers({ ...nothing, ...remains })).toEqual([]);
  });
});
