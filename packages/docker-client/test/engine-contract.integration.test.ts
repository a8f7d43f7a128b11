import { describeEngine } from "./engine-contract.js";
import { openLabEngine } from "./lab-engine.js";

describeEngine(async () => openLabEngine());
