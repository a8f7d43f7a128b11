/**
 * Fault tests: long runs that kill daemons and break plugins on a real engine; with FAULTS=engine the one that has the
 * engine itself at fault. Not part of `npm test`.
 */
import { shared } from "./jest.shared.js";

export default {
  ...shared,
  testRegex:
    process.env.FAULTS === "engine"
      ? "engine-faults\\.fault\\.test\\.ts$"
      : "(?<!engine-faults)\\.fault\\.test\\.ts$",
  testTimeout: 1_800_000,
  maxWorkers: 1,
};
