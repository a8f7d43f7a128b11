/** A day on a cluster of Kubernetes' own programs, one thing after the other. Not part of `npm test`. */
import { patient } from "./jest.patience.js";
import { shared } from "./jest.shared.js";

export default {
  ...shared,
  testRegex: "\\.day\\.test\\.ts$",
  testTimeout: patient(300_000),
  maxWorkers: 1,
};
