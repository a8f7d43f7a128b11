import { readFile } from "node:fs/promises";
import { type DescriptorFacts, describeFile } from "@dockershim/testing/protobuf";
import { describe, expect, test } from "@jest/globals";
import { file_runtime_v1_api, ImageService, RuntimeService } from "../src/index.js";
import { loadUpstream, upstreamFixture, upstreamVersion } from "./upstream-module.js";

const ours = describeFile(file_runtime_v1_api.proto);
const recorded = JSON.parse(await readFile(upstreamFixture, "utf8")) as DescriptorFacts;
const upstream = await loadUpstream();

function expectSameFacts(actual: DescriptorFacts, expected: DescriptorFacts): void {
  expect(Object.keys(actual.messages).sort()).toEqual(Object.keys(expected.messages).sort());
  expect(Object.keys(actual.enums).sort()).toEqual(Object.keys(expected.enums).sort());
  expect(Object.keys(actual.rpcs).sort()).toEqual(Object.keys(expected.rpcs).sort());
  expect(actual).toEqual(expected);
}

describe(`our descriptor against k8s.io/cri-api ${upstreamVersion}`, () => {
  test("has every message, field, enum and RPC of the recorded release, and no other", () => {
    expectSameFacts(ours, recorded);
  });

  test("the record is of a whole file: 37 runtime and 6 image RPCs, 7 of them streaming", () => {
    const rpcs = Object.entries(recorded.rpcs);
    expect(rpcs.filter(([name]) => name.includes(".RuntimeService/"))).toHaveLength(37);
    expect(rpcs.filter(([name]) => name.includes(".ImageService/"))).toHaveLength(6);
    expect(rpcs.filter(([, rpc]) => rpc.serverStreaming)).toHaveLength(7);
    expect(RuntimeService.methods).toHaveLength(37);
    expect(ImageService.methods).toHaveLength(6);
  });

  test.each<[string, (facts: DescriptorFacts) => void]>([
    ["a message", (f) => delete f.messages["runtime.v1.Mount"]],
    ["an RPC", (f) => delete f.rpcs["runtime.v1.ImageService/PullImage"]],
    ["a field's number", (f) => Object.assign(firstField(f, "runtime.v1.Mount"), { number: 99 })],
    ["a field's type", (f) => Object.assign(firstField(f, "runtime.v1.Mount"), { type: "bytes" })],
    [
      "an enum value",
      (f) => Object.assign(f.enums["runtime.v1.Signal"] ?? {}, { SIGNAL_SIGTERM: 1 }),
    ],
  ])("the comparison fails when %s differs", (_what, change) => {
    const changed = structuredClone(recorded);
    change(changed);
    expect(() => expectSameFacts(ours, changed)).toThrow();
  });

  if (upstream.available) {
    test("agrees with the Go module itself", () => {
      expectSameFacts(ours, describeFile(upstream.file));
    });
  } else {
    console.warn(`The Go module was not compared, only its record: ${upstream.reason}.`);
    test.skip(`agrees with the Go module itself (not compared: ${upstream.reason})`, () => {});
  }
});

function firstField(facts: DescriptorFacts, message: string): object {
  return facts.messages[message]?.fields[0] ?? {};
}
