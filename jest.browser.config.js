/** Pages in a real browser. Not part of `npm test`: Debian's chromium takes 412 MB. */
import { patient } from "./jest.patience.js";
import { shared } from "./jest.shared.js";

export default {
  ...shared,
  testRegex: "\\.browser\\.test\\.ts$",
  testTimeout: patient(60_000),
};
