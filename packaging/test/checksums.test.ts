import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { writeChecksums } from "../checksums.ts";

test("checksums are such as sha256sum takes, and tell a file that has changed", () => {
  const folder = mkdtempSync(join(tmpdir(), "checksums-"));
  try {
    mkdirSync(join(folder, "amd64"));
    const files = ["amd64/dockershim", "a.deb"].map((name) => join(folder, name));
    for (const file of files) writeFileSync(file, file);
    writeChecksums(files, folder);
    const check = (): string =>
      execFileSync("sha256sum", ["--check", "SHA256SUMS"], {
        cwd: folder,
        encoding: "utf8",
        env: { ...process.env, LC_ALL: "C" },
        stdio: ["ignore", "pipe", "ignore"],
      });
    expect(check()).toBe("amd64/dockershim: OK\na.deb: OK\n");
    writeFileSync(join(folder, "a.deb"), "changed");
    expect(check).toThrow();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
