/** Ports and their host side: `{ "80/tcp": [{ HostIp: "", HostPort: "8080" }] }`. */
export type PortBindings = Readonly<
  Record<
    string,
    | readonly { readonly HostIp?: string | undefined; readonly HostPort?: string | undefined }[]
    | null
  >
>;

/** A mount as `HostConfig.Mounts` takes it. */
export interface MountSpec {
  /** `image` needs API 1.48. */
  readonly Type: "bind" | "volume" | "tmpfs" | "image" | "npipe" | "cluster";
  /** Host path, volume name or image reference. */
  readonly Source?: string | undefined;
  /** Absolute path in the container. */
  readonly Target: string;
  readonly ReadOnly?: boolean | undefined;
  readonly Consistency?: string | undefined;
  readonly BindOptions?:
    | {
        readonly Propagation?: string | undefined;
        readonly NonRecursive?: boolean | undefined;
        readonly CreateMountpoint?: boolean | undefined;
        /** API 1.44 and later. */
        readonly ReadOnlyNonRecursive?: boolean | undefined;
        /** API 1.44 and later. */
        readonly ReadOnlyForceRecursive?: boolean | undefined;
      }
    | undefined;
  readonly VolumeOptions?:
    | {
        readonly NoCopy?: boolean | undefined;
        readonly Labels?: Readonly<Record<string, string>> | undefined;
        readonly Subpath?: string | undefined;
      }
    | undefined;
  readonly ImageOptions?: { readonly Subpath?: string | undefined } | undefined;
  readonly TmpfsOptions?:
    | { readonly SizeBytes?: number | undefined; readonly Mode?: number | undefined }
    | undefined;
}

/** The limits that `POST /containers/{id}/update` can change as well. */
export interface ContainerResources {
  /** Relative weight, 1024 is normal. */
  readonly CpuShares?: number | undefined;
  /** Billionths of a processor. */
  readonly NanoCpus?: number | undefined;
  /** Microseconds. */
  readonly CpuPeriod?: number | undefined;
  /** Microseconds per period; -1 means no limit. */
  readonly CpuQuota?: number | undefined;
  /** Microseconds. */
  readonly CpuRealtimePeriod?: number | undefined;
  /** Microseconds. */
  readonly CpuRealtimeRuntime?: number | undefined;
  /** Such as `0-2,4`. */
  readonly CpusetCpus?: string | undefined;
  readonly CpusetMems?: string | undefined;
  /** Bytes. */
  readonly Memory?: number | undefined;
  /** Bytes. */
  readonly MemoryReservation?: number | undefined;
  /** Bytes of memory and swap together; -1 means unlimited swap. */
  readonly MemorySwap?: number | undefined;
  readonly MemorySwappiness?: number | undefined;
  readonly OomKillDisable?: boolean | undefined;
  /** 0 or -1 mean unlimited. */
  readonly PidsLimit?: number | undefined;
  /** 10 to 1000, 0 leaves it alone. */
  readonly BlkioWeight?: number | undefined;
  readonly BlkioWeightDevice?:
    | readonly { readonly Path: string; readonly Weight: number }[]
    | undefined;
  readonly BlkioDeviceReadBps?:
    | readonly { readonly Path: string; readonly Rate: number }[]
    | undefined;
  readonly BlkioDeviceWriteBps?:
    | readonly { readonly Path: string; readonly Rate: number }[]
    | undefined;
  readonly BlkioDeviceReadIOps?:
    | readonly { readonly Path: string; readonly Rate: number }[]
    | undefined;
  readonly BlkioDeviceWriteIOps?:
    | readonly { readonly Path: string; readonly Rate: number }[]
    | undefined;
}

/** Body of `POST /containers/{id}/update`. */
export interface ContainerUpdateBody extends ContainerResources {
  readonly RestartPolicy?:
    | { readonly Name: string; readonly MaximumRetryCount?: number | undefined }
    | undefined;
}

/** The host-dependent part of a container's configuration. */
export interface HostConfig extends ContainerResources {
  /** `source:target[:options]`. */
  readonly Binds?: readonly string[] | undefined;
  readonly Mounts?: readonly MountSpec[] | undefined;
  readonly Tmpfs?: Readonly<Record<string, string>> | undefined;
  readonly VolumesFrom?: readonly string[] | undefined;
  readonly LogConfig?:
    | { readonly Type: string; readonly Config?: Readonly<Record<string, string>> | undefined }
    | undefined;
  /** `none`, `host`, `bridge`, `container:<id>` or a network's name. */
  readonly NetworkMode?: string | undefined;
  readonly PortBindings?: PortBindings | undefined;
  readonly PublishAllPorts?: boolean | undefined;
  readonly RestartPolicy?:
    | { readonly Name: string; readonly MaximumRetryCount?: number | undefined }
    | undefined;
  readonly AutoRemove?: boolean | undefined;
  /** OCI annotations (API 1.43 and later). */
  readonly Annotations?: Readonly<Record<string, string>> | undefined;
  readonly CapAdd?: readonly string[] | undefined;
  readonly CapDrop?: readonly string[] | undefined;
  readonly CgroupnsMode?: string | undefined;
  readonly CgroupParent?: string | undefined;
  readonly Dns?: readonly string[] | undefined;
  readonly DnsOptions?: readonly string[] | undefined;
  readonly DnsSearch?: readonly string[] | undefined;
  /** `name:address`. */
  readonly ExtraHosts?: readonly string[] | undefined;
  /** Supplementary groups, names or numbers. */
  readonly GroupAdd?: readonly string[] | undefined;
  /** `none`, `private`, `shareable`, `host` or `container:<id>`. */
  readonly IpcMode?: string | undefined;
  /** `host`, `container:<id>` or empty. */
  readonly PidMode?: string | undefined;
  /** `host` or empty. */
  readonly UTSMode?: string | undefined;
  /** `host` or empty. */
  readonly UsernsMode?: string | undefined;
  /** -1000 to 1000. */
  readonly OomScoreAdj?: number | undefined;
  readonly Privileged?: boolean | undefined;
  readonly ReadonlyRootfs?: boolean | undefined;
  readonly SecurityOpt?: readonly string[] | undefined;
  readonly StorageOpt?: Readonly<Record<string, string>> | undefined;
  /** Bytes of /dev/shm. */
  readonly ShmSize?: number | undefined;
  readonly Sysctls?: Readonly<Record<string, string>> | undefined;
  readonly Runtime?: string | undefined;
  readonly Init?: boolean | undefined;
  readonly Devices?:
    | readonly {
        readonly PathOnHost: string;
        readonly PathInContainer: string;
        readonly CgroupPermissions: string;
      }[]
    | undefined;
  readonly DeviceCgroupRules?: readonly string[] | undefined;
  readonly DeviceRequests?:
    | readonly {
        readonly Driver?: string | undefined;
        readonly Count?: number | undefined;
        readonly DeviceIDs?: readonly string[] | undefined;
        readonly Capabilities?: readonly (readonly string[])[] | undefined;
        readonly Options?: Readonly<Record<string, string>> | undefined;
      }[]
    | undefined;
  readonly Ulimits?:
    | readonly { readonly Name: string; readonly Soft: number; readonly Hard: number }[]
    | undefined;
  /** Paths hidden from the container; an empty list hides nothing. */
  readonly MaskedPaths?: readonly string[] | undefined;
  /** Paths read-only in the container; an empty list protects nothing. */
  readonly ReadonlyPaths?: readonly string[] | undefined;
}

/** A health check; durations are nanoseconds. */
export interface HealthcheckSpec {
  /** `["NONE"]` switches the image's check off. */
  readonly Test?: readonly string[] | undefined;
  readonly Interval?: number | undefined;
  readonly Timeout?: number | undefined;
  readonly StartPeriod?: number | undefined;
  readonly Retries?: number | undefined;
}

/** The portable part of a container's configuration. */
export interface ContainerConfig {
  readonly Image?: string | undefined;
  /** Replaces the image's entrypoint. */
  readonly Entrypoint?: readonly string[] | undefined;
  readonly Cmd?: readonly string[] | undefined;
  /** `NAME=value`. */
  readonly Env?: readonly string[] | undefined;
  readonly WorkingDir?: string | undefined;
  /** `user[:group]`, names or numbers. */
  readonly User?: string | undefined;
  readonly Labels?: Readonly<Record<string, string>> | undefined;
  readonly Hostname?: string | undefined;
  readonly Domainname?: string | undefined;
  readonly Tty?: boolean | undefined;
  readonly OpenStdin?: boolean | undefined;
  readonly StdinOnce?: boolean | undefined;
  readonly AttachStdin?: boolean | undefined;
  readonly AttachStdout?: boolean | undefined;
  readonly AttachStderr?: boolean | undefined;
  /** `{ "80/tcp": {} }`. */
  readonly ExposedPorts?: Readonly<Record<string, Record<string, never>>> | undefined;
  readonly Volumes?: Readonly<Record<string, Record<string, never>>> | undefined;
  readonly Healthcheck?: HealthcheckSpec | undefined;
  readonly NetworkDisabled?: boolean | undefined;
  readonly MacAddress?: string | undefined;
  /** Name or number. */
  readonly StopSignal?: string | undefined;
  /** Seconds. */
  readonly StopTimeout?: number | undefined;
}

/** Body of `POST /containers/create`. */
export interface ContainerCreateBody extends ContainerConfig {
  readonly HostConfig?: HostConfig | undefined;
  readonly NetworkingConfig?:
    | { readonly EndpointsConfig?: Readonly<Record<string, unknown>> | undefined }
    | undefined;
}
