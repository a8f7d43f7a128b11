export {
  answers,
  type Daemon,
  type DaemonOptions,
  labFlags,
  launchDaemon,
  startDaemon,
} from "./daemon.ts";
export {
  acceptUpgrade,
  type FakeEngine,
  frame,
  json,
  type SeenRequest,
  startFakeEngine,
} from "./fake-engine.ts";
export { labVariable } from "./lab-variable.ts";
export { imageTarOf, tarOf, tarOfFiles } from "./tar.ts";
export { type UntilOptions, until } from "./until.ts";
