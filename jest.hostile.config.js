/** Tests that attack a daemon on a real engine from outside: minutes long. Not part of `npm test`. */
import { patient } from "./jest.patience.js";
import { shared } from "./jest.shared.js";

export default {
  ...shared,
  testRegex: "\\.hostile\\.test\\.ts$",
  testTimeout: patient(600_000),
  maxWorkers: 1,
};
