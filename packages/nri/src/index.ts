// Everything of the API is generated, so a hand-kept list of its names could only fall behind; the
// check against upstream guards what the file contains.
export * from "./gen/nri/pkg/api/v1alpha1/api_pb.js";
export {
  type Mux,
  type MuxConnection,
  multiplex,
  pluginConnection,
  runtimeConnection,
} from "./mux.js";
export { NriError, type NriErrorCode, type NriErrorFields } from "./nri-error.js";
export type { NriObserver } from "./observer.js";
export type {
  ContainerSubject,
  CreateOutcome,
  ToldEvent,
  UpdateOutcome,
} from "./plugin-events.js";
export { type PluginHost, startPluginHost } from "./plugin-host.js";
export type { HostInventory, PluginHostOptions } from "./plugin-members.js";
export { type PluginIdentity, pluginId } from "./plugin-name.js";
export { type PluginHandlers, type RunningPlugin, startPlugin } from "./start-plugin.js";
export type { Inventory } from "./sync-chunks.js";
export { createTtrpcClient, type TtrpcClient } from "./ttrpc-client.js";
export { maxMessage } from "./ttrpc-frames.js";
export { grpcStatus, method, serveTtrpc, type TtrpcMethod } from "./ttrpc-server.js";
