export { linkDockerLog, unlinkDockerLog } from "./docker-log-link.js";
export { ContainerLogError, type ContainerLogErrorCode } from "./errors.js";
export { localLogConfig, localLogFile } from "./local-log-driver.js";
export { createLogCopier, type LogCopier, type LogCopierOptions } from "./log-copier.js";
export type { LogLag } from "./log-lag.js";
export type { LogPath } from "./log-path.js";
export { openLogForReading, prepareLogPath } from "./log-target.js";
export type { LogCopierLog } from "./log-thread.js";
export type { CopiedContainer } from "./log-thread-protocol.js";
