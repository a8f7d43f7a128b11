import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "@jest/globals";
import type { Remote } from "../node/remote.ts";

const folder = mkdtempSync(join(tmpdir(), "node-copy-"));
afterAll(() => rmSync(folder, { recursive: true }));

const inFolder = (name: string): string => join(folder, name);
const [bin, source, target] = [inFolder("bin"), inFolder("source"), inFolder("target")] as const;
for (const path of [bin, source]) mkdirSync(path);
const packings = join(folder, "packings");

function program(name: string, script: string): void {
  writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, name), 0o755);
}

// The other end is this machine: what ssh is to run comes last.
program("ssh", 'for line; do :; done; exec sh -c "$line"');

// As the command's PATH begins with ours, the lab takes these for ssh and tar.
process.env.PATH = `${bin}:${process.env.PATH}`;
const { copyPath } = await import("../node/copy.ts");
const remote: Remote = { reach: ["true"], key: "/none", knownHosts: "/none" };

/** Has tar end so at its first packing, and well at the next. */
function endOnce(code: number): void {
  writeFileSync(packings, "");
  const real = `PATH=\${PATH#${bin}:} tar "$@"`;
  program(
    "tar",
    `[ "$1" = -c ] || exec env ${real}
    ${real}; echo >>${packings}; [ $(wc -l <${packings}) -gt 1 ] || exit ${code}`,
  );
}

it("a copy is made again when files changed meanwhile", async () => {
  endOnce(1);
  writeFileSync(join(source, "file"), "whole");
  await copyPath(remote, source, target);
  expect(readFileSync(join(target, "source/file"), "utf8")).toBe("whole");
  expect(readFileSync(packings, "utf8")).toBe("\n\n");
});

it("a copy that fails otherwise says so at once", async () => {
  endOnce(2);
  await expect(copyPath(remote, source, target)).rejects.toThrow("copying to the node failed");
  expect(readFileSync(packings, "utf8")).toBe("\n");
});
