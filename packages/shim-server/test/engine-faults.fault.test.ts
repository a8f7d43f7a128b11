import type { Deed } from "./faults/engine-deeds.js";
import { testEngineFaults } from "./faults/engine-faults.js";

/** Of a hundred cycles four freeze the engine, two kill it, one stops it and one exchanges it for another version. */
const deedsOfAHundred: Readonly<Record<number, Deed>> = {
  7: "frozen",
  19: "killed",
  32: "frozen",
  44: "stopped",
  57: "frozen",
  69: "killed",
  82: "frozen",
  94: "exchanged",
};

const cycles = Number(process.env.FAULT_CYCLES || 1_000);
testEngineFaults({
  cycles,
  seed: Number(process.env.FAULT_SEED || 1),
  deedOf: (cycle) => deedsOfAHundred[cycle % 100],
});
