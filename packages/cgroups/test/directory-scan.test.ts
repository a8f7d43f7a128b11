import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { scanDirectory } from "../src/directory-scan.js";
import { createPacer } from "../src/pacer.js";
import { temporaryDirectory } from "./recorded.js";

let directory: string;

const context = () => ({
  pacer: createPacer(Number.POSITIVE_INFINITY, 2),
  recentSinceMs: 0,
  maxRecent: 2,
  signal: new AbortController().signal,
});

beforeEach(() => {
  directory = temporaryDirectory();
  fs.mkdirSync(path.join(directory, "secret/below"), { recursive: true });
  for (const name of ["x", "y", "z"]) {
    fs.writeFileSync(path.join(directory, "secret/below", name), name);
  }
  fs.symlinkSync(path.join(directory, "secret"), path.join(directory, "link"));
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

test("a directory is scanned with all its entries, the recent ones up to the bound", async () => {
  const scan = await scanDirectory(path.join(directory, "secret/below"), undefined, context());
  expect(scan).toMatchObject({ inodes: 4, entries: 3, subdirectories: [] });
  expect(scan?.recent.size).toBe(2);
  const above = await scanDirectory(path.join(directory, "secret"), undefined, context());
  expect(above).toMatchObject({ inodes: 1, entries: 1, subdirectories: ["below"] });
});

test("a path that leads through a symbolic link anywhere is not scanned", async () => {
  expect(await scanDirectory(path.join(directory, "link"), undefined, context())).toBeUndefined();
  expect(
    await scanDirectory(path.join(directory, "link/below"), undefined, context()),
  ).toBeUndefined();
});

test("a directory on another file system is not scanned", async () => {
  const { dev } = fs.statSync(directory, { bigint: true });
  expect(await scanDirectory(directory, dev, context())).toBeDefined();
  expect(await scanDirectory(directory, dev + 1n, context())).toBeUndefined();
  expect(await scanDirectory("/proc/self", dev, context())).toBeUndefined();
});

test("what is no directory, or not there, or too long a name, is not scanned", async () => {
  for (const name of ["secret/below/x", "none", "n".repeat(5000)]) {
    expect(await scanDirectory(path.join(directory, name), undefined, context())).toBeUndefined();
  }
});
