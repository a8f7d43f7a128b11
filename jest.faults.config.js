/** Fault tests: long runs that kill daemons and break plugins on a real engine. Not part of `npm test`. */
import { shared } from "./jest.shared.js";

export default {
  ...shared,
  testRegex: "\\.fault\\.test\\.ts$",
  testTimeout: 1_800_000,
  maxWorkers: 1,
};
