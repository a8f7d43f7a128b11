/** Tests on a cluster of Kubernetes' own programs, which have to be built first. Not part of `npm test`. */
import { patient } from "./jest.patience.js";
import { shared } from "./jest.shared.js";

export default {
  ...shared,
  testRegex:
    process.env.CLUSTER === "conformance"
      ? "conformance\\.cluster\\.test\\.ts$"
      : "(?<!conformance)\\.cluster\\.test\\.ts$",
  testTimeout: patient(300_000),
  maxWorkers: 1,
};
