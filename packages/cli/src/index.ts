export { endWithOutput } from "./broken-output.js";
export { exitCodes } from "./cli-error.js";
export { defaultConfigText } from "./default-config.js";
export { main } from "./main.js";
export { describeProgram } from "./program.js";
export type { Terminal } from "./terminal.js";
