import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { type Mount, MountSchema } from "@dockershim/cri-types";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { resolveHostPaths } from "../src/pods/host-paths.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "host-paths-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const mounts = (hostPath: string): Mount[] => [create(MountSchema, { hostPath })];

test("a path that is not there is made, with all above it", async () => {
  const path = join(dir, "a", "b", "c");
  expect((await resolveHostPaths(mounts(path))).get(path)).toBe(path);
  expect(statSync(path).isDirectory()).toBe(true);
});

// Node's recursive mkdir never ends there, and would hold a thread for ever.
test("a path that can be made nowhere is refused with its mount", async () => {
  await expect(resolveHostPaths(mounts("/proc/self/dockershim-none/x"))).rejects.toMatchObject({
    code: "failed_precondition",
    message: expect.stringContaining("config.mounts[0].host_path"),
  });
});

test.each([
  ["below a file", (file: string) => join(file, "x")],
  ["of a name that is too long", (file: string) => `${file}/../${"x".repeat(300)}`],
])("a path %s is refused with its mount", async (_what, pathOf) => {
  const file = join(dir, "file");
  writeFileSync(file, "");
  await expect(resolveHostPaths(mounts(pathOf(file)))).rejects.toMatchObject({
    code: "failed_precondition",
    message: expect.stringContaining("config.mounts[0].host_path"),
  });
});
