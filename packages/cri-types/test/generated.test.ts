import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterAll, expect, test } from "@jest/globals";
import {
  file_grpc_health_v1_health,
  Health,
  HealthCheckResponse_ServingStatus,
} from "../src/health.js";
import { ContainerConfigSchema, MountPropagation, Signal } from "../src/index.js";

const run = promisify(execFile);
const packageDir = join(import.meta.dirname, "..");
const binDir = join(packageDir, "node_modules/.bin");
const outDir = await mkdtemp(join(tmpdir(), "cri-types-"));

afterAll(() => rm(outDir, { recursive: true }));

test("generating again gives the committed code", async () => {
  await run(join(binDir, "buf"), ["generate", "--output", outDir], {
    cwd: packageDir,
    env: { ...process.env, PATH: `${binDir}${delimiter}${process.env.PATH ?? ""}` },
  });
  for (const path of ["src/gen/runtime/v1/api_pb.ts", "src/gen/grpc/health/v1/health_pb.ts"]) {
    const again = await readFile(join(outDir, path), "utf8");
    expect([path, again === (await readFile(join(packageDir, path), "utf8"))]).toEqual([
      path,
      true,
    ]);
  }
});

test("each .proto is formatted as buf formats it", async () => {
  const { stdout } = await run(join(binDir, "buf"), ["format", "--diff", "proto"], {
    cwd: packageDir,
  });
  expect(stdout).toBe("");
});

test("an environment value that is not UTF-8 survives the wire", () => {
  const config = create(ContainerConfigSchema, {
    envs: [{ key: "RAW", value: new Uint8Array([0xff, 0x00, 0xfe]) }],
    mounts: [{ containerPath: "/data", propagation: MountPropagation.PROPAGATION_BIDIRECTIONAL }],
    stopSignal: Signal.SIGRTMINPLUS3,
  });
  const back = fromBinary(ContainerConfigSchema, toBinary(ContainerConfigSchema, config));
  expect(back).toEqual(config);
  expect([...(back.envs[0]?.value ?? [])]).toEqual([0xff, 0x00, 0xfe]);
});

// The protocol is frozen, so its facts are written down here instead of being recorded.
test("the health service is the one that gRPC's clients know", () => {
  const methods = Health.methods.map(({ name, methodKind, input, output }) => [
    name,
    methodKind,
    input.name,
    output.name,
  ]);
  expect(Health.typeName).toBe("grpc.health.v1.Health");
  expect(methods).toEqual([
    ["Check", "unary", "HealthCheckRequest", "HealthCheckResponse"],
    ["List", "unary", "HealthListRequest", "HealthListResponse"],
    ["Watch", "server_streaming", "HealthCheckRequest", "HealthCheckResponse"],
  ]);
  const fields = file_grpc_health_v1_health.messages.map(({ name, fields }) => [
    name,
    fields.map((field) => [field.name, field.number, field.fieldKind]),
  ]);
  expect(fields).toEqual([
    ["HealthCheckRequest", [["service", 1, "scalar"]]],
    ["HealthCheckResponse", [["status", 1, "enum"]]],
    ["HealthListRequest", []],
    ["HealthListResponse", [["statuses", 1, "map"]]],
  ]);
  expect(HealthCheckResponse_ServingStatus).toMatchObject({
    UNKNOWN: 0,
    SERVING: 1,
    NOT_SERVING: 2,
    SERVICE_UNKNOWN: 3,
  });
});
