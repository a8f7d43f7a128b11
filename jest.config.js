/** Unit tests: pure code and local sockets, no Docker and no root needed. */
import { patient } from "./jest.patience.js";
import { shared } from "./jest.shared.js";

export default {
  ...shared,
  testPathIgnorePatterns: [
    ...shared.testPathIgnorePatterns,
    "\\.(integration|browser|fault|crash|hostile|nri|kubelet|cluster|day|model)\\.test\\.ts$",
  ],
  // What hangs is still found; what is slow for want of processors is not called broken.
  testTimeout: patient(60_000),
};
