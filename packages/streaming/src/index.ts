export { StreamingError, type StreamingErrorCode } from "./errors.js";
export type { AttachUrlRequest, ExecUrlRequest, PortForwardUrlRequest } from "./stream-requests.js";
export type {
  RuntimeAttachRequest,
  RuntimeExecRequest,
  RuntimePortForwardRequest,
  SessionStreams,
  StreamingRuntime,
  TerminalSize,
} from "./streaming-runtime.js";
export type {
  StreamingLog,
  StreamingServer,
  StreamingServerOptions,
  StreamingStats,
  StreamingTls,
} from "./streaming-server.js";
