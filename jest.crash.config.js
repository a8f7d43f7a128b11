/** Tests that kill daemons at each step that they have others take: minutes long. Not part of `npm test`. */
import { patient } from "./jest.patience.js";
import { shared } from "./jest.shared.js";

export default {
  ...shared,
  testRegex: "\\.crash\\.test\\.ts$",
  testTimeout: patient(240_000),
  maxWorkers: 1,
};
