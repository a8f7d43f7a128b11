import type { Deed } from "./faults/engine-deeds.js";
import { testEngineFaults } from "./faults/engine-faults.js";

const deeds: Readonly<Record<number, Deed>> = { 3: "frozen", 6: "killed" };

// `npm run test:faults -- --engine` has a thousand.
testEngineFaults({ cycles: 10, seed: 2, deedOf: (cycle) => deeds[cycle] });
