export { brokenJson, jsonWords } from "./broken-json.ts";
export {
  answers,
  type Daemon,
  type DaemonOptions,
  labFlags,
  launchDaemon,
  startDaemon,
} from "./daemon.ts";
export type { FakeContainer, FakeContainers } from "./docker/containers.ts";
export { type FakeDocker, startFakeDocker } from "./docker/fake-docker.ts";
export {
  acceptUpgrade,
  type FakeEngine,
  frame,
  json,
  type SeenRequest,
  startFakeEngine,
} from "./fake-engine.ts";
export { createFakeNetwork, type FakeNetwork } from "./fake-network.ts";
export { type FuzzTarget, fuzz } from "./fuzz.ts";
export { labVariable } from "./lab-variable.ts";
export { blocksOf } from "./page.ts";
export { createPowerLossFs, type DiskState, type PowerLossFs } from "./power-loss.ts";
export { seeded } from "./seeded.ts";
export {
  createSteps,
  type Fault,
  type KillMoment,
  type StepInProgress,
  type Steps,
} from "./steps.ts";
export { imageTarOf, tarOf, tarOfFiles } from "./tar.ts";
export { type UntilOptions, until } from "./until.ts";
