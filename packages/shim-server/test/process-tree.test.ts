import { expect, test } from "@jest/globals";
import { parseStat } from "../src/exec/process-table.js";
import { execMembers } from "../src/exec/process-tree.js";

interface Process {
  pid: number;
  parent: number;
  session?: number;
  startTime?: number;
  outputs?: string[];
}

/** Process 10 is the container's first one, 100 is the exec's. */
function members(processes: Process[]): number[] {
  const all: Process[] = [
    { pid: 10, parent: 1, startTime: 5, outputs: ["pipe:[1]"] },
    ...processes,
  ];
  const table = new Map(
    all.map(({ pid, parent, session = pid, startTime = 50 }) => [
      pid,
      { pid, parent, session, startTime },
    ]),
  );
  const outputs = (pid: number) => all.find((process) => process.pid === pid)?.outputs ?? [];
  return execMembers(100, table, outputs).sort((a, b) => a - b);
}

const root = { pid: 100, parent: 1, outputs: ["pipe:[7]", "pipe:[8]"] };

test("the first process and its descendants belong to an exec", () => {
  expect(
    members([root, { pid: 101, parent: 100 }, { pid: 102, parent: 101 }, { pid: 11, parent: 10 }]),
  ).toEqual([100, 101, 102]);
});

test("so do those of its session whose parent is gone, with their descendants", () => {
  const orphan = { pid: 102, parent: 10, session: 100 };
  expect(members([root, orphan, { pid: 103, parent: 102 }])).toEqual([100, 102, 103]);
});

test("also when the first process itself is gone", () => {
  expect(members([{ pid: 102, parent: 10, session: 100 }])).toEqual([102]);
});

test("so does who left the session but still writes to the exec's output", () => {
  const daemon = { pid: 105, parent: 10, outputs: ["pipe:[8]"] };
  const stranger = { pid: 106, parent: 10, outputs: ["pipe:[9]"] };
  expect(members([root, daemon, { pid: 107, parent: 105 }, stranger])).toEqual([100, 105, 107]);
});

test("an exec that writes to the container's own output does not claim its processes", () => {
  const redirected = { ...root, outputs: ["pipe:[1]"] };
  const worker = { pid: 60, parent: 10, startTime: 60, outputs: ["pipe:[1]"] };
  expect(members([redirected, worker])).toEqual([100]);
});

test("an exec whose process is not in its container any more has no members", () => {
  expect(members([{ pid: 101, parent: 100 - 1, session: 99 }])).toEqual([]);
});

test("a command's name may hold spaces and parentheses", () => {
  const rest = "S 1 42 40 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 1234 0 0";
  expect(parseStat(`42 (a) b (c) ${rest}`)).toEqual({
    pid: 42,
    parent: 1,
    session: 40,
    startTime: 1234,
  });
  expect(parseStat("")).toBeUndefined();
});
