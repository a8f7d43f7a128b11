import { test } from "@jest/globals";
import { checkLifecycle } from "./model/check.js";
import { openEngineSystem } from "./model/engine-system.js";

const seed = Number(process.env.MODEL_SEED || 1);
const runs = Number(process.env.MODEL_RUNS || 25);

test(`${runs} lives of a daemon on a real engine, of seed ${seed}, are what the model allows`, async () => {
  await checkLifecycle(openEngineSystem, { seed, runs, maxCommands: 20 });
});
