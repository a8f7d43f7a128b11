import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { createRecordFiles } from "../src/record-files.js";
import { temporaryDirectory } from "./recorded.js";

let directory: string;
const file = (name: string) => path.join(directory, name);

/** How many descriptors this process has of files in the test's directory. */
function descriptors(): number {
  let count = 0;
  for (const fd of fs.readdirSync("/proc/self/fd")) {
    try {
      if (fs.readlinkSync(`/proc/self/fd/${fd}`).startsWith(directory)) count++;
    } catch {
      // The descriptor of the listing itself is closed by now.
    }
  }
  return count;
}

beforeEach(() => {
  directory = temporaryDirectory();
  for (const name of ["a", "b", "c"]) fs.writeFileSync(file(name), name);
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

test("a kept file is read anew from its beginning, and no more are kept than allowed", () => {
  const files = createRecordFiles(2);
  for (const name of ["a", "b", "c", "a"]) {
    expect(files.read(directory, name)).toBe(name);
    expect(descriptors()).toBeLessThanOrEqual(2);
  }
  fs.writeFileSync(file("a"), "again");
  expect(files.read(directory, "a")).toBe("again");
  expect(descriptors()).toBe(2);
  files.close();
  expect(descriptors()).toBe(0);
  expect(files.read(directory, "b")).toBe("b");
  files.close();
});

test("with a bound of none, nothing is kept", () => {
  const files = createRecordFiles(0);
  expect(files.read(directory, "a")).toBe("a");
  expect(descriptors()).toBe(0);
});

test("a file longer than the buffer is read whole", () => {
  const long = "x".repeat(100_000);
  fs.writeFileSync(file("long"), long);
  const files = createRecordFiles(1);
  expect(files.read(directory, "long")).toBe(long);
  expect(files.read(directory, "long")).toBe(long);
  files.close();
  expect(createRecordFiles(0).read(directory, "long")).toBe(long);
});

test("what is not there is undefined, what cannot be read is an error, and nothing stays open", () => {
  const files = createRecordFiles(2);
  expect(files.read(directory, "none")).toBeUndefined();
  expect(() => files.read(directory, ".")).toThrow(
    expect.objectContaining({ code: "read_failed" }),
  );
  expect(() => createRecordFiles(0).read(directory, ".")).toThrow(
    expect.objectContaining({ code: "read_failed" }),
  );
  expect(descriptors()).toBe(0);
});
