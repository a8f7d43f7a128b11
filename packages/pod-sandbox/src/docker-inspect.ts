/**
 * The part of Docker's `GET /containers/{id}/json` reply that this package reads. Everything
 * that Docker may leave out or answer with null is optional here, so that the reply of any
 * engine from API 1.41 to 1.56 fits.
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
  Image?: string | null | undefined;
  Hostname?: string | null | undefined;
  User?: string | null | undefined;
  Labels?: Readonly<Record<string, string>> | null | undefined;
  Tty?: boolean | null | undefined;
  OpenStdin?: boolean | null | undefined;
  StdinOnce?: boolean | null | undefined;
  StopSignal?: string | null | undefined;
}

/** `HostConfig` of an inspected container. */
export interface InspectedHostConfig {
  NetworkMode?: string | null | undefined;
  IpcMode?: string | null | undefined;
  PidMode?: string | null | undefined;
  Runtime?: string | null | undefined;
  Annotations?: Readonly<Record<string, string>> | null | undefined;
  CgroupParent?: string | null | undefined;
  CpuShares?: number | null | undefined;
  CpuPeriod?: number | null | undefined;
  CpuQuota?: number | null | undefined;
  CpusetCpus?: string | null | undefined;
  CpusetMems?: string | null | undefined;
  Memory?: number | null | undefined;
  MemorySwap?: number | null | undefined;
  PidsLimit?: number | null | undefined;
  OomScoreAdj?: number | null | undefined;
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
  User?: string | null | undefined;
  Entrypoint?: readonly string[] | null | undefined;
  Cmd?: readonly string[] | null | undefined;
  WorkingDir?: string | null | undefined;
  Env?: readonly string[] | null | undefined;
  StopSignal?: string | null | undefined;
}

/** One entry of Docker's `GET /images/json` reply, as far as this package reads it. */
export interface ListedImage {
  Id: string;
  RepoTags?: readonly string[] | null | undefined;
  RepoDigests?: readonly string[] | null | undefined;
  Size: number;
}
