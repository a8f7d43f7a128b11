/** Tests that compare daemons on a real engine with a model: minutes long. Not part of `npm test`. */
import { shared } from "./jest.shared.js";

export default {
  ...shared,
  testRegex: "\\.model\\.test\\.ts$",
  testTimeout: 3_600_000,
  maxWorkers: 1,
};
