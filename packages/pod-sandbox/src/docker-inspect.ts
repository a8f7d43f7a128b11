/**
 * The part of Docker's `GET /containers/{id}/json` reply that this package reads. Everything
 * that Docker may leave out or answer with null is optional here, so that the reply of any
 * engine from API 1.41 to 1.51 fits.
 */
export interface InspectedContainer {
  Id: string;
  /** With Docker's leading slash. */
  Name: string;
  /** RFC 3339 with nanoseconds. */
  Created: string;
  /** Id of the image, `sha256:…`. */
  Image: string;
  State: InspectedState;
  Config: InspectedConfig;
  HostConfig?: InspectedHostConfig | null | undefined;
  Mounts?: readonly InspectedMount[] | null | undefined;
}

/** `State` of an inspected container. */
export interface InspectedState {
  Status: string;
  Running: boolean;
  Paused?: boolean | undefined;
  OOMKilled?: boolean | undefined;
  Pid: number;
  ExitCode: number;
  Error?: string | undefined;
  StartedAt: string;
  FinishedAt: string;
}

/** `Config` of an inspected container; image defaults are merged in by Docker. */
export interface InspectedConfig {
  Image?: string | undefined;
  Hostname?: string | undefined;
  User?: string | undefined;
  Labels?: Readonly<Record<string, string>> | null | undefined;
  Tty?: boolean | undefined;
  OpenStdin?: boolean | undefined;
  StdinOnce?: boolean | undefined;
  StopSignal?: string | undefined;
}

/** `HostConfig` of an inspected container. */
export interface InspectedHostConfig {
  NetworkMode?: string | undefined;
  IpcMode?: string | undefined;
  PidMode?: string | undefined;
  Runtime?: string | undefined;
  CgroupParent?: string | undefined;
  CpuShares?: number | undefined;
  CpuPeriod?: number | undefined;
  CpuQuota?: number | undefined;
  CpusetCpus?: string | undefined;
  CpusetMems?: string | undefined;
  Memory?: number | undefined;
  MemorySwap?: number | undefined;
  PidsLimit?: number | null | undefined;
  OomScoreAdj?: number | undefined;
}

/** One entry of `Mounts` of an inspected container. */
export interface InspectedMount {
  Type?: string | undefined;
  Name?: string | undefined;
  Source?: string | undefined;
  Destination: string;
  RW?: boolean | undefined;
  Propagation?: string | undefined;
}

/** The part of Docker's `GET /images/{name}/json` reply that this package reads. */
export interface InspectedImage {
  Id: string;
  RepoTags?: readonly string[] | null | undefined;
  RepoDigests?: readonly string[] | null | undefined;
  Size: number;
  Config?: InspectedImageConfig | null | undefined;
}

/** `Config` of an inspected image. */
export interface InspectedImageConfig {
  User?: string | undefined;
  Entrypoint?: readonly string[] | null | undefined;
  Cmd?: readonly string[] | null | undefined;
  WorkingDir?: string | undefined;
  Env?: readonly string[] | null | undefined;
  StopSignal?: string | undefined;
}

/** One entry of Docker's `GET /images/json` reply, as far as this package reads it. */
export interface ListedImage {
  Id: string;
  RepoTags?: readonly string[] | null | undefined;
  RepoDigests?: readonly string[] | null | undefined;
  Size: number;
}
