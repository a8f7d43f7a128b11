import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createLogPositionFile, type LogPosition } from "../src/log-position.js";

const at = (sourceOffset: number): LogPosition => ({
  source: "1:2",
  sourceOffset,
  target: "3:4",
  targetOffset: sourceOffset * 2,
});

describe("a log position", () => {
  let dir: string;
  let path: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "position-"));
    path = join(dir, "c.position");
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  test("is found again by another process", () => {
    const file = createLogPositionFile(path);
    expect(file.load()).toBeUndefined();
    for (let offset = 1; offset <= 5; offset++) file.save(at(offset));
    expect(createLogPositionFile(path).load()).toEqual(at(5));
  });

  test("goes on counting after it was loaded", () => {
    createLogPositionFile(path).save(at(1));
    const second = createLogPositionFile(path);
    second.load();
    second.save({ ...at(2), nextTargetOffset: 0 });
    expect(createLogPositionFile(path).load()).toEqual({ ...at(2), nextTargetOffset: 0 });
  });

  test("is the one before wherever the last write of it was cut", () => {
    const file = createLogPositionFile(path);
    file.save(at(1));
    const before = readFileSync(path);
    file.save(at(2));
    const after = readFileSync(path);
    for (let cut = 0; cut < after.length; cut++) {
      writeFileSync(path, Buffer.concat([after.subarray(0, cut), before.subarray(cut)]));
      expect([at(1), at(2)]).toContainEqual(createLogPositionFile(path).load());
    }
  });

  test("is none when the file is damaged", () => {
    createLogPositionFile(path).save(at(1));
    writeFileSync(path, readFileSync(path).fill(0, 20, 30).fill(0, 600, 610));
    expect(createLogPositionFile(path).load()).toBeUndefined();
    writeFileSync(path, "");
    expect(createLogPositionFile(path).load()).toBeUndefined();
  });
});
