import { expect, test } from "@jest/globals";
import { usageNanoCores } from "../src/index.js";

const at = (monotonicNs: bigint, usageNs: bigint) => ({ monotonicNs, usageNs });

test("a second of processor time in a second is one core", () => {
  expect(usageNanoCores(at(5n, 7n), at(1_000_000_005n, 1_000_000_007n))).toBe(1_000_000_000n);
});

test("a quarter of a second in ten seconds is 25 millicores", () => {
  expect(usageNanoCores(at(0n, 0n), at(10_000_000_000n, 250_000_000n))).toBe(25_000_000n);
});

test("figures beyond 2^53 stay exact", () => {
  const usage = 2n ** 63n;
  expect(usageNanoCores(at(0n, usage), at(1_000_000_000n, usage + 1n))).toBe(1n);
});

test("no time between, time that runs back, or a counter that began anew has no rate", () => {
  expect(usageNanoCores(at(5n, 1n), at(5n, 2n))).toBeUndefined();
  expect(usageNanoCores(at(5n, 1n), at(4n, 2n))).toBeUndefined();
  expect(usageNanoCores(at(5n, 9n), at(6n, 2n))).toBeUndefined();
});
