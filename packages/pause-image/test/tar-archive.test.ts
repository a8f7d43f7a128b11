import { spawnSync } from "node:child_process";
import { describe, expect, it } from "@jest/globals";
import { tarArchive } from "../src/tar-archive.js";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function tar(args: readonly string[], input: Uint8Array): string {
  const { status, stdout, stderr } = spawnSync("tar", args, {
    input,
    env: { ...process.env, TZ: "UTC", LC_ALL: "C" },
  });
  if (status !== 0) throw new Error(String(stderr));
  return String(stdout);
}

describe("tarArchive", () => {
  const archive = tarArchive(
    [
      { path: "folder/", mode: 0o755, content: bytes("") },
      { path: "folder/empty", mode: 0o600, content: bytes("") },
      { path: "program", mode: 0o555, content: bytes("x".repeat(513)) },
      { path: "block", mode: 0o644, content: bytes("y".repeat(512)) },
    ],
    86_400,
  );

  it("is read by tar with the given names, modes, sizes and times", () => {
    const listed = tar(["--list", "--verbose", "--numeric-owner"], archive)
      .trim()
      .split("\n")
      .map((line) => line.replace(/\s+/g, " "));
    expect(listed).toEqual([
      "drwxr-xr-x 0/0 0 1970-01-02 00:00 folder/",
      "-rw------- 0/0 0 1970-01-02 00:00 folder/empty",
      "-r-xr-xr-x 0/0 513 1970-01-02 00:00 program",
      "-rw-r--r-- 0/0 512 1970-01-02 00:00 block",
    ]);
  });

  it("gives tar the content back", () => {
    expect(tar(["--extract", "--to-stdout", "program"], archive)).toBe("x".repeat(513));
    expect(tar(["--extract", "--to-stdout", "block"], archive)).toBe("y".repeat(512));
  });

  it("is whole blocks and ends with two empty ones", () => {
    expect(archive.length % 512).toBe(0);
    expect(archive.subarray(-1024).every((byte) => byte === 0)).toBe(true);
  });

  it.each(["a".repeat(101), "ä", ""])("refuses the path %j", (path) => {
    expect(() => tarArchive([{ path, mode: 0o644, content: bytes("") }], 0)).toThrow(RangeError);
  });
});
