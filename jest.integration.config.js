/** Integration tests: a real Docker engine, named by LAB_DOCKER_ENDPOINT (see lab/README.md). */
import { patient } from "./jest.patience.js";
import { shared } from "./jest.shared.js";

export default {
  ...shared,
  testRegex: "\\.integration\\.test\\.ts$",
  testTimeout: patient(240_000),
  maxWorkers: 2,
};
