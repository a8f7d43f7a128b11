import type { OrNull } from "./call-options.js";
import type { ContainerConfig, HostConfig } from "./container-create-types.js";

/** Lifecycle state as the engine names it. */
export type ContainerStatusName =
  | "created"
  | "running"
  | "paused"
  | "restarting"
  | "removing"
  | "exited"
  | "dead";

/** `State` of an inspected container. */
export interface ContainerState {
  Status: ContainerStatusName;
  Running: boolean;
  Paused: boolean;
  Restarting: boolean;
  /** The kernel killed it for want of memory. */
  OOMKilled: boolean;
  Dead: boolean;
  /** Host process id of the first process, 0 when it does not run. */
  Pid: number;
  ExitCode: number;
  /** Why it could not be started, in the engine's words; otherwise empty. */
  Error: string;
  /** RFC 3339 with nanoseconds; `0001-01-01T00:00:00Z` when it never started. */
  StartedAt: string;
  /** RFC 3339 with nanoseconds; `0001-01-01T00:00:00Z` when it never ended. */
  FinishedAt: string;
  Health?: { Status: string; FailingStreak: number } | null;
}

/** A mount as the engine made it. */
export interface MountPoint {
  Type: string;
  /** Volume name, when it is one. */
  Name?: string;
  /** Host path. */
  Source: string;
  /** Path in the container. */
  Destination: string;
  Driver?: string;
  /** Mount options as given in a bind, such as `ro,rslave`. */
  Mode: string;
  RW: boolean;
  Propagation: string;
}

/** An interface of a container in one network. */
export interface NetworkEndpoint {
  NetworkID: string;
  EndpointID: string;
  Gateway: string;
  IPAddress: string;
  IPPrefixLen: number;
  IPv6Gateway: string;
  GlobalIPv6Address: string;
  GlobalIPv6PrefixLen: number;
  MacAddress: string;
  Aliases?: string[] | null;
}

/** `NetworkSettings` of an inspected container; read addresses from `Networks` only. */
export interface ContainerNetworkSettings {
  /** Path of the network namespace, such as `/var/run/docker/netns/1a2b`. */
  SandboxKey: string;
  Ports: Record<string, { HostIp: string; HostPort: string }[] | null> | null;
  Networks: Record<string, NetworkEndpoint> | null;
}

/** Reply of `GET /containers/{id}/json`. */
export interface ContainerInspect {
  /** 64 hexadecimal digits. */
  Id: string;
  /** With a leading slash. */
  Name: string;
  /** RFC 3339 with nanoseconds. */
  Created: string;
  /** Program that was started. */
  Path: string;
  Args: string[] | null;
  State: ContainerState;
  /** Image id, `sha256:…`. */
  Image: string;
  ResolvConfPath: string;
  HostnamePath: string;
  HostsPath: string;
  /** The engine's own log file; empty for drivers without one. */
  LogPath: string;
  RestartCount: number;
  Driver: string;
  Platform: string;
  MountLabel: string;
  ProcessLabel: string;
  AppArmorProfile: string;
  ExecIDs: string[] | null;
  HostConfig: OrNull<HostConfig>;
  GraphDriver?: { Name: string; Data: Record<string, string> | null } | null;
  /** Bytes of the writable layer; only when `size` was asked for. */
  SizeRw?: number;
  /** Bytes of all layers; only when `size` was asked for. */
  SizeRootFs?: number;
  Mounts: MountPoint[] | null;
  Config: OrNull<ContainerConfig> & {
    /** As given at creation: name or id. */
    Image: string;
    Hostname: string;
    User: string;
    Tty: boolean;
    OpenStdin: boolean;
    StdinOnce: boolean;
    WorkingDir: string;
  };
  NetworkSettings: ContainerNetworkSettings;
}

/** One entry of `GET /containers/json`. */
export interface ContainerSummary {
  Id: string;
  /** With a leading slash. */
  Names: string[] | null;
  /** As given at creation; the id when the tag has moved on. */
  Image: string;
  ImageID: string;
  Command: string;
  /** Unix time in seconds. */
  Created: number;
  Ports: { IP?: string; PrivatePort: number; PublicPort?: number; Type: string }[] | null;
  Labels: Record<string, string> | null;
  State: ContainerStatusName;
  /** For people: `Up 2 minutes`, `Exited (1) 3 hours ago`. */
  Status: string;
  HostConfig: { NetworkMode?: string };
  NetworkSettings: { Networks: Record<string, NetworkEndpoint> | null } | null;
  Mounts: MountPoint[] | null;
  SizeRw?: number;
  SizeRootFs?: number;
}

/** Reply of `POST /containers/create`. */
export interface ContainerCreated {
  Id: string;
  Warnings: string[];
}

/** Outcome of a start or a stop. */
export interface StateChange {
  /** False when the container was in that state already (the engine said 304). */
  changed: boolean;
}

/** Reply of `POST /containers/{id}/wait`. */
export interface WaitResult {
  StatusCode: number;
  Error?: { Message: string } | null;
}

/** What `wait` waits for; `next-exit` can be asked for before the start. */
export type WaitCondition = "not-running" | "next-exit" | "removed";

/** Reply of `GET /containers/{id}/top`. */
export interface ContainerProcesses {
  Titles: string[];
  Processes: string[][];
}

/** A path at which a container's file system differs from its image's. */
export interface ContainerChange {
  /** Absolute, in the container. */
  Path: string;
  /** 0: changed, 1: added, 2: deleted. */
  Kind: 0 | 1 | 2;
}

/** What `GET /containers/{id}/archive` tells about the path. */
export interface ArchivePathStat {
  name: string;
  /** Bytes. */
  size: number;
  /** Mode bits as Go's `os.FileMode` has them. */
  mode: number;
  /** RFC 3339. */
  mtime: string;
  linkTarget: string;
}
