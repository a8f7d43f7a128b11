export { StreamingError, type StreamingErrorCode } from "./errors.js";
export type { AttachUrlRequest, ExecUrlRequest, PortForwardUrlRequest } from "./stream-requests.js";
export type {
  RuntimeAttachRequest,
  RuntimeExecRequest,
  RuntimePortForwardRequest,
  SessionStreams,
  StreamingLog,
  StreamingRuntime,
  TerminalSize,
} from "./streaming-runtime.js";
export {
  createStreamingServer,
  type StreamingServer,
  type StreamingServerOptions,
  type StreamingStats,
  type StreamingTls,
} from "./streaming-server.js";
