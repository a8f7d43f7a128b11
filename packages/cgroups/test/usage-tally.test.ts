import { expect, test } from "@jest/globals";
import { createUsageTally } from "../src/usage-tally.js";

const share = (bytes: number, inodes: number, links: [bigint, number][] = []) => ({
  bytes,
  inodes,
  links: new Map(links),
});

test("an inode that two directories have counts once, until both are taken back", () => {
  const tally = createUsageTally();
  const sum = () => [tally.bytes(), tally.inodes()];
  const first = share(10, 1, [[7n, 100]]);
  const second = share(20, 2, [[7n, 100]]);
  tally.add(first);
  tally.add(second);
  expect(sum()).toEqual([130, 4]);
  tally.subtract(first);
  expect(sum()).toEqual([120, 3]);
  tally.subtract(second);
  expect(sum()).toEqual([0, 0]);
});

test("the later look at a shared inode decides its size", () => {
  const tally = createUsageTally();
  const first = share(0, 1, [[7n, 100]]);
  const second = share(0, 1, [[7n, 300]]);
  tally.add(first);
  tally.add(second);
  expect(tally.bytes()).toBe(300);
  tally.subtract(first);
  expect(tally.bytes()).toBe(300);
  tally.subtract(second);
  expect(tally.bytes()).toBe(0);
});
