/** NRI plugins of others, which have to be built first. Not part of `npm test`. */
import { patient } from "./jest.patience.js";
import { shared } from "./jest.shared.js";

export default {
  ...shared,
  testRegex: "\\.nri\\.test\\.ts$",
  testTimeout: patient(240_000),
  maxWorkers: 1,
};
