import { expect, test } from "@jest/globals";
import { noSwapProperty, systemdProperty } from "../src/index.js";

const property = (file: string, value: string) =>
  systemdProperty({ controller: "", file, value, required: true });

test.each([
  ["memory.min", "1048576", "MemoryMin=1048576"],
  ["memory.low", "0", "MemoryLow=0"],
  ["memory.high", "max", "MemoryHigh=infinity"],
  ["memory.max", "4096", "MemoryMax=4096"],
  ["memory.swap.max", "0", "MemorySwapMax=0"],
  ["memory.zswap.max", "max", "MemoryZSwapMax=infinity"],
  ["io.weight", "200", "IOWeight=200"],
  ["io.weight", "default 200", "IOWeight=200"],
  ["cpu.weight", "50", "CPUWeight=50"],
  ["pids.max", "max", "TasksMax=infinity"],
])("%s with %s is %s", (file, value, assignment) => {
  expect(property(file, value)).toBe(assignment);
});

test.each([
  // systemd says only at a unit's start what becomes of its group.
  ["memory.oom.group", "1"],
  ["hugetlb.2MB.max", "0"],
  // A weight of one device, and percentages of time, are other properties with other values.
  ["io.weight", "8:0 200"],
  ["cpu.max", "50000 100000"],
  ["memory.high", "1M"],
])("%s with %s has none", (file, value) => {
  expect(property(file, value)).toBeUndefined();
});

test("only a container with a memory limit and as much with swap may not swap", () => {
  expect(noSwapProperty({ Memory: 4096, MemorySwap: 4096 })).toBe("MemorySwapMax=0");
  expect(noSwapProperty({ Memory: 4096, MemorySwap: 8192 })).toBeUndefined();
  expect(noSwapProperty({ Memory: 4096, MemorySwap: -1 })).toBeUndefined();
  expect(noSwapProperty({ Memory: 0, MemorySwap: 0 })).toBeUndefined();
  expect(noSwapProperty({ Memory: null, MemorySwap: null })).toBeUndefined();
});
