import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "@jest/globals";
import { pino } from "pino";
import { createCallLog } from "../src/server/call-log.js";

/** What is logged from a level on. */
function setUp(level: string, engineAway: () => boolean) {
  const lines: { level: number; call: string }[] = [];
  const log = pino({ level }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const calls = createCallLog(log, engineAway);
  const fail = (code: Code) => calls.failed("ListContainers", 0, new ConnectError("no", code));
  return { lines, fail };
}

test("a failure that is ours is told, one of the caller's is not", () => {
  const { lines, fail } = setUp("info", () => false);
  for (const code of [Code.NotFound, Code.InvalidArgument, Code.Canceled]) fail(code);
  expect(lines).toEqual([]);
  for (const code of [Code.Internal, Code.Unavailable]) fail(code);
  expect(lines).toHaveLength(2);
});

test("calls that fail for want of the engine are not told one by one", () => {
  let away = true;
  const { lines, fail } = setUp("info", () => away);
  for (let call = 0; call < 100; call++) fail(Code.Unavailable);
  expect(lines).toEqual([]);
  fail(Code.Internal);
  away = false;
  fail(Code.Unavailable);
  expect(lines).toHaveLength(2);
});

test("at debug every failure is told", () => {
  const { lines, fail } = setUp("debug", () => true);
  fail(Code.Unavailable);
  expect(lines).toEqual([expect.objectContaining({ level: 20, call: "ListContainers" })]);
});
