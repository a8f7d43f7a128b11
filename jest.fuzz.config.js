/** Inputs generated for as long as FUZZ_SECONDS says, per test. The unit tests try some hundred of each. */
import { patient } from "./jest.patience.js";
import { shared } from "./jest.shared.js";

process.env.FUZZ_SECONDS ||= "20";

export default {
  ...shared,
  testRegex: "\\.fuzz\\.test\\.ts$",
  testTimeout: Number(process.env.FUZZ_SECONDS) * 1000 + patient(60_000),
  maxWorkers: 2,
};
