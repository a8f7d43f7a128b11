/** Tests with a real kubelet on the daemon: minutes long, and Kubernetes has to be built first. Not part of `npm test`. */
import { shared } from "./jest.shared.js";

export default {
  ...shared,
  testRegex: "\\.kubelet\\.test\\.ts$",
  testTimeout: 120_000,
  maxWorkers: 1,
};
