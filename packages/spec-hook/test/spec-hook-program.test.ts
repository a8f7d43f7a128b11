import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "@jest/globals";
import { specHookPrograms } from "../src/program-files.js";

const script = fileURLToPath(new URL("../scripts/build-spec-hook.sh", import.meta.url));
const committed = fileURLToPath(new URL("../bin", import.meta.url));
const rebuilt = mkdtempSync(join(tmpdir(), "spec-hook-build-"));
afterAll(() => rmSync(rebuilt, { recursive: true, force: true }));

function present(program: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;
}

describe.each([
  { architecture: "amd64", compiler: "x86_64-linux-gnu-gcc", elfMachine: 62 },
  { architecture: "arm64", compiler: "aarch64-linux-gnu-gcc", elfMachine: 183 },
] as const)("the hook for $architecture", ({ architecture, compiler, elfMachine }) => {
  const path = specHookPrograms[architecture];

  it("is a static executable for that machine of less than 4 kB", () => {
    const elf = readFileSync(path);
    expect(elf.subarray(0, 6)).toEqual(Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]));
    // e_type ET_EXEC, then e_machine.
    expect([elf.readUInt16LE(16), elf.readUInt16LE(18)]).toEqual([2, elfMachine]);
    const headers = Array.from({ length: elf.readUInt16LE(56) }, (_, index) =>
      elf.readUInt32LE(Number(elf.readBigUInt64LE(32)) + index * elf.readUInt16LE(54)),
    );
    // PT_LOAD is there, and neither PT_DYNAMIC nor PT_INTERP.
    expect(headers).toContain(1);
    expect(headers).not.toContain(2);
    expect(headers).not.toContain(3);
    expect(elf.length).toBeLessThan(4096);
    expect(statSync(path).mode & 0o111).toBe(0o111);
  });

  // What this machine cannot build is reported as skipped.
  const build = present(compiler) ? spawnSync("sh", [script, rebuilt]) : undefined;
  const version = (folder: string) =>
    readFileSync(join(folder, `${architecture}.gcc-version`), "utf8");
  const same = build?.status === 0 && version(rebuilt) === version(committed);

  (build ? it : it.skip)("builds without a warning", () => {
    expect({ status: build?.status, err: String(build?.stderr) }).toEqual({
      status: 0,
      err: expect.not.stringContaining("warning"),
    });
  });

  (same ? it : it.skip)("gives the committed bytes with the compiler noted there", () => {
    const built = readFileSync(join(rebuilt, architecture, "containerd-shim-dockershim-v2"));
    expect(built.equals(readFileSync(path))).toBe(true);
  });
});
