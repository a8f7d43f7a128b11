import { join } from "node:path";
import { brokenJson, fuzz, jsonWords } from "@dockershim/testing";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  type CheckpointPortMapping,
  checkpointChecksum,
  readCheckpoint,
  type SandboxCheckpoint,
} from "../src/checkpoint.js";
import { PodSandboxError } from "../src/pod-sandbox-error.js";

const mapping: fc.Arbitrary<CheckpointPortMapping> = fc.record({
  protocol: fc.constantFrom("tcp", "udp", "sctp", undefined),
  containerPort: fc.option(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { nil: undefined }),
  hostPort: fc.option(fc.nat(65_535), { nil: undefined }),
  hostIp: fc.oneof(fc.constant(""), fc.ipV4(), fc.ipV6()),
});

const checkpoint = fc.record({
  name: fc.string(),
  namespace: fc.string(),
  hostNetwork: fc.boolean(),
  portMappings: fc.option(fc.array(mapping, { maxLength: 3 }), { nil: undefined }),
});

/** A checkpoint as cri-dockerd writes it. */
function written({ name, namespace, hostNetwork, portMappings }: CheckpointOf): object {
  return {
    version: "v1",
    name,
    namespace,
    data: {
      port_mappings: portMappings?.map(({ protocol, containerPort, hostPort, hostIp }) => ({
        protocol,
        container_port: containerPort,
        host_port: hostPort,
        ...(hostIp === "" ? {} : { host_ip: hostIp }),
      })),
      ...(hostNetwork ? { host_network: true } : {}),
    },
    checksum: checkpointChecksum({ hostNetwork, portMappings }),
  };
}

type CheckpointOf = typeof checkpoint extends fc.Arbitrary<infer Value> ? Value : never;

test("a checkpoint is refused with the field that is wrong, or read with the right types", async () => {
  await fuzz({
    corpus: join(import.meta.dirname, "corpus/checkpoint"),
    inputs: brokenJson(checkpoint.map(written)),
    words: [...jsonWords, '"port_mappings":null', '"host_port":"80"', '"data":[]'],
    check(bytes) {
      let read: SandboxCheckpoint;
      try {
        read = readCheckpoint(bytes.toString());
      } catch (error) {
        expect(error).toBeInstanceOf(PodSandboxError);
        expect((error as PodSandboxError).message).toMatch(/^checkpoint/);
        return;
      }
      expect([typeof read.name, typeof read.namespace]).toEqual(["string", "string"]);
      for (const { protocol, containerPort, hostPort, hostIp } of read.portMappings) {
        expect(["string", "undefined"]).toContain(typeof protocol);
        for (const port of [containerPort, hostPort]) {
          expect(port === undefined || Number.isInteger(port)).toBe(true);
        }
        expect(typeof hostIp).toBe("string");
      }
    },
  });
});

test("what was written down comes back, and is known to be intact", () => {
  fc.assert(
    fc.property(checkpoint, (value) => {
      expect(readCheckpoint(JSON.stringify(written(value)))).toEqual({
        ...value,
        portMappings: value.portMappings ?? [],
        intact: true,
      });
    }),
  );
});
