import fs from "node:fs";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { readFilesystemCapacity } from "../src/index.js";
import { temporaryDirectory } from "./recorded.js";

let directory: string;

beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

test("the capacity is that of the file system, whose mount point is above the path", async () => {
  const capacity = await readFilesystemCapacity(directory);
  if (capacity === undefined) throw new Error("no capacity");
  const { mountPoint, totalBytes, usedBytes, availableBytes, inodesTotal, inodesFree } = capacity;
  expect(directory.startsWith(mountPoint)).toBe(true);
  expect(fs.statSync(mountPoint).dev).toBe(fs.statSync(directory).dev);
  expect(totalBytes).toBeGreaterThan(usedBytes);
  expect(usedBytes + availableBytes).toBeLessThanOrEqual(totalBytes);
  expect(inodesTotal).toBeGreaterThanOrEqual(inodesFree);
});

test("of several mounts on one point the last counts, and names are compared by whole parts", async () => {
  fs.mkdirSync(`${directory}/self`);
  fs.mkdirSync(`${directory}/data`);
  fs.writeFileSync(
    `${directory}/self/mountinfo`,
    [
      "1 0 8:1 / / rw - ext4 /dev/root rw",
      `2 1 8:2 / ${directory}/data rw - ext4 /dev/covered rw`,
      `3 1 8:3 / ${directory}/data rw - xfs /dev/data rw`,
      `4 1 8:4 / ${directory}/dat rw - xfs /dev/other rw`,
      "",
    ].join("\n"),
  );
  expect(await readFilesystemCapacity(`${directory}/data`, { procRoot: directory })).toMatchObject({
    mountPoint: `${directory}/data`,
    device: "/dev/data",
  });
  expect(await readFilesystemCapacity(directory, { procRoot: directory })).toMatchObject({
    mountPoint: "/",
    device: "/dev/root",
  });
});

test("a path that does not exist has no capacity", async () => {
  expect(await readFilesystemCapacity(`${directory}/none`)).toBeUndefined();
});
