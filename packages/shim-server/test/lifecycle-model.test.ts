import { test } from "@jest/globals";
import { checkLifecycle } from "./model/check.js";
import { openMemorySystem } from "./model/memory-system.js";

test("after any calls, Docker commands and kills the daemon tells what the model allows", async () => {
  const runs = Number(process.env.MODEL_RUNS || 20);
  await checkLifecycle(openMemorySystem, {
    seed: Number(process.env.MODEL_SEED || 1),
    runs,
    maxCommands: 20,
  });
});
