import { readFile } from "node:fs/promises";
import { type DescriptorFacts, describeFile } from "@dockershim/testing/protobuf";
import { describe, expect, test } from "@jest/globals";
import { file_ttrpc_request } from "../src/gen/ttrpc/request_pb.js";
import { file_nri_pkg_api_v1alpha1_api, Plugin, Runtime } from "../src/index.js";
import { loadUpstream, upstreamFixture, upstreamVersion } from "./upstream-module.js";

const ours = describeFile(file_nri_pkg_api_v1alpha1_api.proto);
const recorded = JSON.parse(await readFile(upstreamFixture, "utf8")) as DescriptorFacts;
const upstream = await loadUpstream();

describe(`our descriptor against github.com/containerd/nri ${upstreamVersion}`, () => {
  test("has every message, field, enum and RPC of the recorded release, and no other", () => {
    expect(ours).toEqual(recorded);
  });

  test("the record is of a whole file: 18 RPCs of plugins, 2 of the runtime", () => {
    expect(Object.keys(recorded.rpcs).filter((name) => name.includes(".Plugin/"))).toHaveLength(18);
    expect(Plugin.methods).toHaveLength(18);
    expect(Runtime.methods).toHaveLength(2);
    expect(Object.keys(recorded.messages).length).toBeGreaterThan(80);
  });

  if (upstream.available) {
    test("agrees with the Go module itself", () => {
      expect(ours).toEqual(describeFile(upstream.file));
    });
  } else {
    console.warn(`The Go module was not compared, only its record: ${upstream.reason}.`);
    test.skip(`agrees with the Go module itself (not compared: ${upstream.reason})`, () => {});
  }
});

// What ttrpc's frames hold has not changed since its first release, so it is written down here.
test("ttrpc's messages are those that its clients and servers know", () => {
  const fields = file_ttrpc_request.messages.map(({ name, fields }) => [
    name,
    fields.map((field) => [field.name, field.number, field.fieldKind]),
  ]);
  expect(fields).toEqual([
    [
      "Request",
      [
        ["service", 1, "scalar"],
        ["method", 2, "scalar"],
        ["payload", 3, "scalar"],
        ["timeout_nano", 4, "scalar"],
        ["metadata", 5, "list"],
      ],
    ],
    [
      "Response",
      [
        ["status", 1, "message"],
        ["payload", 2, "scalar"],
      ],
    ],
    ["StringList", [["list", 1, "list"]]],
    [
      "KeyValue",
      [
        ["key", 1, "scalar"],
        ["value", 2, "scalar"],
      ],
    ],
  ]);
});
