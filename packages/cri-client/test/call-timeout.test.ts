import { expect, test } from "@jest/globals";
import { callTimeoutMs } from "../src/call-timeout.js";

const timeouts = { timeoutMs: 2_000, operationTimeoutMs: 120_000 };

test.each<[string, object, number]>([
  ["ListContainers", {}, 2_000],
  ["ImageStatus", {}, 2_000],
  ["Exec", {}, 2_000],
  ["RunPodSandbox", {}, 240_000],
  ["CreateContainer", {}, 120_000],
  ["StopContainer", { timeout: 30n }, 150_000],
  ["StopContainer", { timeout: -1n }, 120_000],
  ["ExecSync", { timeout: 10n }, 130_000],
  ["ExecSync", {}, 0],
  ["PullImage", {}, 0],
  ["GetContainerEvents", {}, 0],
])("%s with %p has %d ms", (method, request, expected) => {
  expect(callTimeoutMs(method, request, timeouts)).toBe(expected);
});

test("a default of 0 turns deadlines off", () => {
  const off = { timeoutMs: 0, operationTimeoutMs: 0 };
  expect(callTimeoutMs("Version", {}, off)).toBe(0);
  expect(callTimeoutMs("StopContainer", { timeout: 30n }, off)).toBe(0);
});
