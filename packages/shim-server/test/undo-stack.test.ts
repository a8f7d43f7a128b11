import { expect, test } from "@jest/globals";
import { pino } from "pino";
import { createUndoStack } from "../src/async/undo-stack.js";

test("steps are undone last first, and one that fails does not stop the others", async () => {
  const order: string[] = [];
  const undo = createUndoStack(pino({ level: "silent" }));
  undo.push("a", async () => void order.push("a"));
  undo.push("b", async () => {
    throw new Error("stuck");
  });
  undo.push("c", async () => void order.push("c"));
  await undo.run();
  expect(order).toEqual(["c", "a"]);
});
