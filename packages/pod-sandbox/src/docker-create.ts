/**
 * The part of the Docker Engine API's `POST /containers/create` body that this package emits.
 * Field names and types are those of API 1.41–1.56; a field that needs more than 1.41 says so.
 */
export interface CreateContainerBody {
  Image: string;
  Hostname?: string;
  User?: string;
  Env?: string[];
  Entrypoint?: string[];
  Cmd?: string[];
  WorkingDir?: string;
  Labels: Record<string, string>;
  OpenStdin?: boolean;
  StdinOnce?: boolean;
  Tty?: boolean;
  StopSignal?: string;
  Healthcheck: { Test: string[] };
  HostConfig: HostConfig;
}

/** The part of Docker's `HostConfig` that this package emits. */
export interface HostConfig {
  NetworkMode: string;
  IpcMode: string;
  PidMode?: string;
  UTSMode?: string;
  Privileged?: boolean;
  ReadonlyRootfs?: boolean;
  GroupAdd?: string[];
  CapAdd?: string[];
  CapDrop?: string[];
  SecurityOpt?: string[];
  /** Absent: Docker's default list; empty: nothing is masked. */
  MaskedPaths?: string[];
  /** Absent: Docker's default list; empty: nothing is read-only. */
  ReadonlyPaths?: string[];
  Sysctls?: Record<string, string>;
  Dns?: string[];
  DnsSearch?: string[];
  DnsOptions?: string[];
  ShmSize?: number;
  Binds?: string[];
  Mounts?: MountSpec[];
  /** By destination: mount options. */
  Tmpfs?: Record<string, string>;
  Devices?: DeviceMapping[];
  DeviceRequests?: DeviceRequest[];
  RestartPolicy: { Name: "no" };
  /** Whether the engine puts a process of its own first; absent: as its own configuration has it. */
  Init?: boolean;
  LogConfig?: LogConfig;
  Runtime?: string;
  /** OCI annotations; API 1.43 and newer. */
  Annotations?: Record<string, string>;
  CgroupParent?: string;
  CpuShares?: number;
  CpuPeriod?: number;
  CpuQuota?: number;
  CpusetCpus?: string;
  CpusetMems?: string;
  Memory?: number;
  MemorySwap?: number;
  MemoryReservation?: number;
  MemorySwappiness?: number;
  OomKillDisable?: boolean;
  CpuRealtimePeriod?: number;
  CpuRealtimeRuntime?: number;
  PidsLimit?: number;
  OomScoreAdj?: number;
  Ulimits?: Ulimit[];
  BlkioWeight?: number;
  BlkioWeightDevice?: { Path: string; Weight: number }[];
  BlkioDeviceReadBps?: DeviceRate[];
  BlkioDeviceWriteBps?: DeviceRate[];
  BlkioDeviceReadIOps?: DeviceRate[];
  BlkioDeviceWriteIOps?: DeviceRate[];
  /** Rules of the device controller that allow something, such as `c 10:200 rwm`. */
  DeviceCgroupRules?: string[];
}

/** How much may be done to a block device in a second. */
export interface DeviceRate {
  Path: string;
  Rate: number;
}

/** One entry of `HostConfig.Ulimits`; -1 for no limit. */
export interface Ulimit {
  Name: string;
  Soft: number;
  Hard: number;
}

/** One entry of `HostConfig.Mounts`. */
export interface MountSpec {
  Type: "bind" | "image";
  Source: string;
  Target: string;
  ReadOnly?: boolean;
  BindOptions?: BindOptions;
  /** API 1.48 and newer. */
  ImageOptions?: { Subpath?: string };
}

/** `BindOptions` of a bind mount. */
export interface BindOptions {
  Propagation?: "private" | "rprivate" | "slave" | "rslave" | "shared" | "rshared";
  /** Submounts of the source stay outside. */
  NonRecursive?: boolean;
  /** API 1.44 and newer: read-only does not descend into submounts. */
  ReadOnlyNonRecursive?: boolean;
  /** API 1.44 and newer: fail where submounts cannot be made read-only too. */
  ReadOnlyForceRecursive?: boolean;
}

/** One entry of `HostConfig.Devices`. */
export interface DeviceMapping {
  PathOnHost: string;
  PathInContainer: string;
  CgroupPermissions: string;
}

/** One entry of `HostConfig.DeviceRequests`. */
export interface DeviceRequest {
  Driver: string;
  DeviceIDs: string[];
}

/** `HostConfig.LogConfig`. */
export interface LogConfig {
  Type: string;
  Config?: Record<string, string>;
}

/** The part of Docker's `POST /containers/{id}/update` body that this package emits. */
export interface UpdateContainerBody {
  CpuShares?: number;
  CpuPeriod?: number;
  CpuQuota?: number;
  CpusetCpus?: string;
  CpusetMems?: string;
  Memory?: number;
  MemoryReservation?: number;
  MemorySwap?: number;
  CpuRealtimePeriod?: number;
  CpuRealtimeRuntime?: number;
  PidsLimit?: number;
}

/**
 * A value to write into the container's own cgroup, for a limit that Docker has no option for.
 * The directory is found by the server (from the container's pid); here is only what to write.
 */
export interface CgroupWrite {
  /** Controller whose hierarchy holds the file on cgroup v1; on v2 it is the file's prefix. */
  controller: string;
  /** Name of the file in the container's cgroup directory. */
  file: string;
  /** Text to write. */
  value: string;
  /** Whether a missing file is an error: false where the limit asked is the kernel's default. */
  required: boolean;
}
