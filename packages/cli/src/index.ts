export { endWithOutput } from "./broken-output.js";
export { exitCodes } from "./cli-error.js";
export { defaultConfigText } from "./default-config.js";
export { main } from "./main.js";
export { type ManualPage, manualPages } from "./manual-pages.js";
export { describeProgram } from "./program.js";
export {
  defaultsText,
  installedConfigText,
  type ServiceNames,
  serviceUnit,
  socketUnit,
} from "./service-units.js";
export type { Terminal } from "./terminal.js";
