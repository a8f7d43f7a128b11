export type { Attaching, Attachment, AttachmentId, CniArg } from "./attachment.js";
export {
  type BandwidthLimits,
  bandwidthAnnotations,
  bandwidthFromAnnotations,
} from "./bandwidth.js";
export {
  capability,
  dnsCapability,
  findHostPortConflict,
  type HostPortConflict,
  ipRangesCapability,
  type PortMapping,
  type PortMappingEntry,
  portMappingsCapability,
} from "./capabilities.js";
export type { CheckOutcome } from "./check.js";
export { type Cni, type CniOptions, createCni } from "./cni.js";
export type { DelOptions, DelSource, DelTarget } from "./del.js";
export { type WatchDirectory, watchDirectory } from "./directory-watch.js";
export { type LoadedNetworks, loadNetworks, type RejectedConfig } from "./discovery.js";
export { type CniCommand, CniError, type CniErrorCode, type CniErrorFields } from "./errors.js";
export type { GcOptions, GcReport } from "./gc.js";
export type { JsonObject } from "./json.js";
export { k8sArgs } from "./k8s-args.js";
export { createPluginExec } from "./launcher-exec.js";
export type { CniLog, LogLevel } from "./log.js";
export { createLoopbackUp, isLoopbackUp, type LoopbackUp } from "./loopback.js";
export { type HeldNetns, holdNetns, inspectNetns, type NetnsState } from "./netns.js";
export { type Network, type PluginConfig, parseNetworkConfig } from "./network-config.js";
export type { PluginObserver } from "./observed-exec.js";
export type { OperationOptions } from "./operation.js";
export type { PluginExec, PluginExit, PluginRun } from "./plugin-exec.js";
export {
  attachmentIps,
  type CniDns,
  type CniInterface,
  type CniIp,
  type CniResult,
  type CniRoute,
  type IpPreference,
  toCniResult,
} from "./result.js";
export type { CachedAttachment } from "./result-cache.js";
export { convertResult } from "./result-convert.js";
export { createSpawnExec } from "./spawn-exec.js";
export { type CniVersion, cniVersions, latestCniVersion } from "./version.js";
export {
  type NetworkState,
  type NetworkWatcher,
  type WatchNetworksOptions,
  watchNetworks,
} from "./watch.js";
