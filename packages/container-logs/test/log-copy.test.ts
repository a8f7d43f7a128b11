import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createCopyBuffers } from "../src/entry-conversion.js";
import { createLogCopy, type LogCopy } from "../src/log-copy.js";
import { createLogPositionFile } from "../src/log-position.js";
import { localLog } from "./local-log-file.js";

describe("copying Docker's files to a CRI log", () => {
  let dir: string;
  let source: string;
  let log: string;
  let position: string;
  let problems: string[];
  let copies: LogCopy[];
  let written = 0;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "copy-"));
    mkdirSync(join(dir, "engine"));
    source = join(dir, "engine", "container.log");
    log = join(dir, "pods", "main", "0.log");
    position = join(dir, "c.position");
    problems = [];
    copies = [];
    written = 0;
  });
  afterEach(() => {
    for (const copy of copies) copy.rest();
    rmSync(dir, { recursive: true });
  });

  /** A copy as a new process makes it; small buffers, so that files take many steps. */
  function newCopy(inputBytes = 256): LogCopy {
    const copy = createLogCopy(
      {
        source,
        target: { directory: join(dir, "pods"), file: "main/0.log" },
        tty: false,
        positions: createLogPositionFile(position),
        onProblem: (problem) => problems.push(problem),
      },
      createCopyBuffers(inputBytes),
    );
    copies.push(copy);
    return copy;
  }

  /** Numbered lines, some of them with the same time. */
  function write(count: number): void {
    for (let index = 0; index < count; index++) {
      written++;
      const time = BigInt(1_795_000_000_000_000_000n + BigInt(Math.floor(written / 3)));
      const line = Buffer.from(`line ${written}`);
      appendFileSync(source, localLog([{ stream: "stdout", time, line }]));
    }
  }

  /** As Docker rotates with max-file=4. */
  function rotateSource(): void {
    for (let index = 2; index >= 1; index--) {
      if (existsSync(`${source}.${index}`)) {
        renameSync(`${source}.${index}`, `${source}.${index + 1}`);
      }
    }
    renameSync(source, `${source}.1`);
    writeFileSync(source, "");
  }

  function copyAll(copy: LogCopy): void {
    do {
      while (copy.step() > 0);
    } while (!copy.atEnd);
  }

  function contents(path = log): string[] {
    return readFileSync(path, "utf8")
      .split("\n")
      .slice(0, -1)
      .map((line) => line.slice(40));
  }

  const upTo = (count: number, from = 1): string[] =>
    Array.from({ length: count - from + 1 }, (_, index) => `line ${from + index}`);

  test("goes on with what comes", () => {
    const copy = newCopy();
    copy.open();
    expect(contents()).toEqual([]);
    write(10);
    copyAll(copy);
    write(10);
    copyAll(copy);
    expect(contents()).toEqual(upTo(20));
  });

  test("follows every rotation, also several between two looks", () => {
    const copy = newCopy();
    write(10);
    copy.step();
    for (let rotation = 0; rotation < 3; rotation++) {
      rotateSource();
      write(10);
    }
    copyAll(copy);
    expect(contents()).toEqual(upTo(40));
    expect(problems).toEqual([]);
  });

  test("reads files to their end that the engine has removed since", () => {
    const copy = newCopy();
    for (let rotation = 0; rotation < 8; rotation++) {
      write(10);
      copy.step();
      rotateSource();
    }
    copyAll(copy);
    expect(contents()).toEqual(upTo(80));
    expect(problems).toEqual([]);
  });

  test("loses and doubles nothing after a kill at every byte of a write", () => {
    write(6);
    const first = newCopy();
    first.step();
    const saved = readFileSync(position);
    copyAll(first);
    const whole = readFileSync(log);
    expect(contents()).toEqual(upTo(6));
    for (let length = 0; length <= whole.length; length++) {
      writeFileSync(position, saved);
      truncateSync(log, length);
      copyAll(newCopy());
      expect(readFileSync(log).equals(whole)).toBe(true);
    }
  });

  test("goes on after a kill in a file that the engine has rotated meanwhile", () => {
    write(10);
    newCopy().step();
    rotateSource();
    write(10);
    rotateSource();
    write(5);
    copyAll(newCopy());
    expect(contents()).toEqual(upTo(25));
    expect(problems).toEqual([]);
  });

  test("goes on by the stamps in its own file when the position is lost", () => {
    write(20);
    const first = newCopy();
    first.step();
    first.step();
    expect(contents().length).toBeLessThan(20);
    truncateSync(log, readFileSync(log).length - 5);
    rmSync(position);
    copyAll(newCopy());
    expect(contents()).toEqual(upTo(20));
  });

  test("says so when the engine has rotated past it, and goes on with what is left", () => {
    write(10);
    copyAll(newCopy());
    for (let rotation = 0; rotation < 5; rotation++) {
      rotateSource();
      write(1);
    }
    copyAll(newCopy());
    expect(contents()).toEqual([...upTo(10), ...upTo(15, 12)]);
    expect(problems).toEqual(["the engine rotated its files past the saved position"]);
  });

  test("reopens in a new file, and splits the lines between the two", () => {
    const copy = newCopy();
    write(10);
    copyAll(copy);
    renameSync(log, `${log}.1`);
    write(10);
    copyAll(copy);
    expect(contents(`${log}.1`)).toEqual(upTo(20));
    copy.reopen();
    expect(contents()).toEqual([]);
    write(10);
    copyAll(copy);
    expect(contents(`${log}.1`)).toEqual(upTo(20));
    expect(contents()).toEqual(upTo(30, 21));
  });

  test("leaves a file that was not renamed", () => {
    const copy = newCopy();
    write(3);
    copyAll(copy);
    copy.reopen();
    write(3);
    copyAll(copy);
    expect(contents()).toEqual(upTo(6));
  });

  test("a kill between rename and reopen goes on in the renamed file", () => {
    const copy = newCopy();
    write(10);
    copyAll(copy);
    renameSync(log, `${log}.1`);
    write(5);
    const next = newCopy();
    copyAll(next);
    next.reopen();
    write(5);
    copyAll(next);
    expect(contents(`${log}.1`)).toEqual(upTo(15));
    expect(contents()).toEqual(upTo(20, 16));
  });

  test.each(["before the new file is made", "after it was made"])(
    "a kill during a reopen, %s, loses and doubles nothing",
    (moment) => {
      write(20);
      const copy = newCopy();
      copy.step();
      renameSync(log, `${log}.1`);
      copy.step();
      // What a reopen saves first.
      const positions = createLogPositionFile(position);
      copy.reopen();
      const saved = positions.load();
      if (saved === undefined) throw new Error("no position");
      const old = createLogPositionFile(position);
      old.load();
      old.save({
        ...saved,
        target: "0:0",
        targetOffset: readFileSync(`${log}.1`).length,
        nextTargetOffset: 0,
      });
      if (moment.startsWith("before")) unlinkSync(log);
      copyAll(newCopy());
      expect([...contents(`${log}.1`), ...contents()]).toEqual(upTo(20));
    },
  );

  test("makes a log folder anew that was removed", () => {
    write(10);
    const copy = newCopy();
    copyAll(copy);
    copy.rest();
    rmSync(join(dir, "pods"), { recursive: true });
    write(10);
    copyAll(copy);
    expect(contents()).toEqual(upTo(20, 11));
  });

  test.each(["main/0.log", "main"])("refuses to write through a link at %s", (name) => {
    const outside = join(dir, "outside");
    mkdirSync(outside);
    mkdirSync(join(dir, "pods", name, ".."), { recursive: true });
    symlinkSync(name === "main" ? outside : join(outside, "0.log"), join(dir, "pods", name));
    write(1);
    expect(() => newCopy().step()).toThrow("is a symbolic link");
    expect(readdirSync(outside)).toEqual([]);
  });

  test("skips what a torn write left in the engine's file", () => {
    write(3);
    appendFileSync(
      source,
      localLog([{ stream: "stdout", time: 1n, line: Buffer.from("x") }]).subarray(0, 20),
    );
    write(3);
    copyAll(newCopy());
    expect(contents()).toEqual(upTo(6));
    expect(problems).toEqual(["20 bytes in the engine's log file are no messages"]);
  });

  test("knows without opening a file whether there is anything new", () => {
    const copy = newCopy();
    expect(copy.hasNews()).toBe(false);
    write(1);
    expect(copy.hasNews()).toBe(true);
    copyAll(copy);
    copy.rest();
    expect(copy.hasNews()).toBe(false);
    expect(newCopy().hasNews()).toBe(false);
    rotateSource();
    expect(copy.hasNews()).toBe(true);
  });
});
