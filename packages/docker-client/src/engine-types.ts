/** Reply of `GET /version`. */
export interface EngineVersion {
  /** Version of the engine, such as `20.10.24`. */
  Version: string;
  /** Highest API version it speaks, such as `1.41`. */
  ApiVersion: string;
  /** Lowest API version it accepts. */
  MinAPIVersion?: string;
  GitCommit: string;
  GoVersion: string;
  Os: string;
  Arch: string;
  KernelVersion?: string;
  BuildTime?: string;
  Experimental?: boolean;
  Platform?: { Name: string };
  Components?: { Name: string; Version: string; Details?: Record<string, string> | null }[] | null;
}

/** The part of the reply of `GET /info` that a container tool reads. */
export interface EngineInfo {
  /** Identifier that is kept over restarts of the engine. */
  ID: string;
  /** Host name. */
  Name: string;
  ServerVersion: string;
  OSType: string;
  Architecture: string;
  OperatingSystem: string;
  OSVersion?: string;
  KernelVersion: string;
  /** The engine's own NRI, where it is on; API 1.53 and later. */
  NRI?: { Info?: [string, string][] | null } | null;
  /** Processors. */
  NCPU: number;
  /** Memory of the host in bytes. */
  MemTotal: number;
  Containers: number;
  ContainersRunning: number;
  ContainersPaused: number;
  ContainersStopped: number;
  Images: number;
  /** Storage driver, such as `overlay2`. */
  Driver: string;
  DriverStatus: [string, string][] | null;
  /** Data root of the engine. */
  DockerRootDir: string;
  /** Default log driver. */
  LoggingDriver: string;
  /** `cgroupfs`, `systemd` or `none`. */
  CgroupDriver: string;
  /** `1` or `2`. */
  CgroupVersion?: string;
  Runtimes: Record<string, EngineRuntime> | null;
  DefaultRuntime: string;
  /** Its containerd: API 1.46 and newer. */
  Containerd?: { /** Path of its socket. */ Address?: string } | null;
  /** Entries such as `name=seccomp,profile=default` or `name=userns`. */
  SecurityOptions: string[] | null;
  LiveRestoreEnabled: boolean;
  ExperimentalBuild: boolean;
  Debug: boolean;
  MemoryLimit: boolean;
  SwapLimit: boolean;
  CpuCfsPeriod: boolean;
  CpuCfsQuota: boolean;
  CPUShares: boolean;
  CPUSet: boolean;
  PidsLimit: boolean;
  OomKillDisable: boolean;
  IPv4Forwarding: boolean;
  /** Gone from newer engines. */
  BridgeNfIptables?: boolean;
  /** Gone from newer engines. */
  BridgeNfIp6tables?: boolean;
  IndexServerAddress: string;
  RegistryConfig: {
    InsecureRegistryCIDRs?: string[] | null;
    IndexConfigs?: Record<
      string,
      { Name: string; Mirrors: string[] | null; Secure: boolean; Official: boolean }
    > | null;
    Mirrors?: string[] | null;
  } | null;
  HttpProxy: string;
  HttpsProxy: string;
  NoProxy: string;
  /** Labels of the engine itself. */
  Labels: string[] | null;
  /** The engine's clock, RFC 3339 with nanoseconds. */
  SystemTime?: string;
  InitBinary: string;
  /** Directories with CDI specifications (engine 25 and later). */
  CDISpecDirs?: string[] | null;
  Warnings?: string[] | null;
}

/** What {@link DiskUsage} can be limited to (API 1.42 and later). */
export type DiskUsageType = "container" | "image" | "volume" | "build-cache";

/** Reply of `GET /system/df`; members that were not asked for are absent or null. */
export interface DiskUsage {
  /** Bytes used by all image layers; up to API 1.52, from 1.53 on see `ImageUsage`. */
  LayersSize?: number;
  /** Bytes used by all image layers, and how many images there are (API 1.52 and later). */
  ImageUsage?: { TotalSize?: number; TotalCount?: number } | null;
  Images?: { Id: string; Size: number; SharedSize: number; Containers: number }[] | null;
  Containers?: { Id: string; SizeRw?: number; SizeRootFs?: number }[] | null;
  Volumes?:
    | { Name: string; Mountpoint: string; UsageData?: { Size: number; RefCount: number } | null }[]
    | null;
  BuildCache?: { ID: string; Size: number; InUse: boolean }[] | null;
}

/** An OCI runtime that the engine knows. */
export interface EngineRuntime {
  path?: string;
  runtimeArgs?: string[] | null;
  /**
   * What the runtime tells of itself (Docker 25+), as JSON text by its kind, such as
   * `org.opencontainers.runtime-spec.features`.
   */
  status?: Record<string, string> | null;
}
