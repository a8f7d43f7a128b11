import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterAll, expect, test } from "@jest/globals";
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
  const path = "src/gen/runtime/v1/api_pb.ts";
  const again = await readFile(join(outDir, path), "utf8");
  expect(again === (await readFile(join(packageDir, path), "utf8"))).toBe(true);
});

test("api.proto is formatted as buf formats it", async () => {
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
