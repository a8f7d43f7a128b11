import { expect, test } from "@jest/globals";
import { createExecExits } from "../src/state/exec-exits.js";

const never = new AbortController().signal;

test("a waiter gets the exit code when the exec ends", async () => {
  const exits = createExecExits();
  const waiting = exits.wait("e", never);
  exits.report("e", 3);
  expect(await waiting).toBe(3);
});

test("an exec that ended before anyone asked is remembered once", async () => {
  const exits = createExecExits();
  exits.report("e", 4);
  expect(await exits.wait("e", never)).toBe(4);
  const again = new AbortController();
  const waiting = exits.wait("e", again.signal);
  again.abort(new Error("gone"));
  await expect(waiting).rejects.toThrow("gone");
});

test("only the last exits are kept, so that memory stays bounded", async () => {
  const exits = createExecExits();
  for (let i = 0; i <= 256; i++) exits.report(`e${i}`, i);
  const gone = new AbortController();
  const oldest = exits.wait("e0", gone.signal);
  gone.abort(new Error("forgotten"));
  await expect(oldest).rejects.toThrow("forgotten");
  expect(await exits.wait("e256", never)).toBe(256);
});
