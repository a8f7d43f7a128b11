export { exitCodes } from "./cli-error.js";
export {
  defaultsText,
  installedConfigText,
  type ServiceNames,
  serviceUnit,
  socketUnit,
} from "./install/service-units.js";
export { main } from "./main.js";
export { type ManualPage, manualPages } from "./manual-pages.js";
export { endWithOutput } from "./output/broken-output.js";
export type { Terminal } from "./output/terminal.js";
export { describeProgram } from "./program.js";
export { defaultConfigText } from "./serve/default-config.js";
