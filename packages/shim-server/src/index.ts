export { type OptionProblem, optionProblems } from "./option-problems.js";
export { defaultShimOptions, type LogLevel, type ShimOptions } from "./options.js";
export { listeningPath } from "./server/unix-socket.js";
export { ShimError, type ShimErrorCode } from "./shim-error.js";
export type { ReloadOutcome } from "./start/reload.js";
export { type Shim, type ShimStatus, startShim } from "./start-shim.js";
export { version } from "./version.js";
