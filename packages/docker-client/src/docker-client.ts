import type { Readable } from "node:stream";
import type { CallOptions, Filters } from "./call-options.js";
import type { ContainerCreateBody, ContainerUpdateBody } from "./container-create-types.js";
import type {
  ArchivePathStat,
  ContainerChange,
  ContainerCreated,
  ContainerInspect,
  ContainerProcesses,
  ContainerSummary,
  StateChange,
  WaitCondition,
  WaitResult,
} from "./container-types.js";
import type { DiskUsage, DiskUsageType, EngineInfo, EngineVersion } from "./engine-types.js";
import type { DockerError } from "./errors.js";
import type { EventStreamItem, EventStreamOptions } from "./event-types.js";
import type { ExecCreateBody, ExecInspect, ExecStartOptions } from "./exec-types.js";
import type {
  ImageHistoryEntry,
  ImageInspect,
  ImageRemoval,
  ImageSummary,
  PullProgress,
} from "./image-types.js";
import type { RegistryAuth } from "./registry-auth.js";
import type { AttachOptions, HijackedStream, LogOptions, LogStream } from "./stream-types.js";

/** Where the client logs; a pino logger fits. */
export interface DockerClientLog {
  debug(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
}

/**
 * Called when a request begins, with its name, such as `containers.start`. The function that it
 * returns is called when the engine has begun to answer, or with the error when it has failed.
 */
export type RequestObserver = (operation: string) => (error?: DockerError) => void;

/** Options of {@link createDockerClient}. */
export interface DockerClientOptions {
  /** `unix:///var/run/docker.sock` or `tcp://host:port` (without TLS). */
  endpoint: string;
  /** Lowest API version that is accepted, default `1.41`. */
  minApiVersion?: string | undefined;
  /** Highest API version that is spoken, default `1.56`. */
  maxApiVersion?: string | undefined;
  /**
   * Milliseconds that a short call may take, default 120,000. It does not bound what takes as long
   * as it takes: stop, wait, pull, load, save, archives, logs, attach, exec streams, events.
   */
  requestTimeoutMs?: number | undefined;
  /**
   * Kept-alive connections for short calls, default 32; more calls than that queue. Calls not
   * bounded by `requestTimeoutMs` have connections of their own and never queue.
   */
  maxSockets?: number | undefined;
  /** Told of every request; for metrics and tracing. Default: nobody. */
  onRequest?: RequestObserver | undefined;
  /** Default: nothing is logged. */
  log?: DockerClientLog | undefined;
}

/**
 * A client of one Docker Engine. Nothing is sent before the first call, which also negotiates the
 * API version. Every method fails with a `DockerError` only.
 */
export interface DockerClient {
  /** As given. */
  readonly endpoint: string;
  readonly containers: DockerContainers;
  readonly exec: DockerExec;
  readonly images: DockerImages;

  /** The negotiated API version, such as `1.41`. Fails with `unsupported_api` out of the range. */
  apiVersion(options?: CallOptions): Promise<string>;
  /** `GET /_ping`. */
  ping(options?: CallOptions): Promise<void>;
  /** `GET /version`. */
  version(options?: CallOptions): Promise<EngineVersion>;
  /** `GET /info`. */
  info(options?: CallOptions): Promise<EngineInfo>;
  /** `GET /system/df`; the engine walks its disk, which can take seconds. */
  diskUsage(
    options?: CallOptions & { type?: readonly DiskUsageType[] | undefined },
  ): Promise<DiskUsage>;
  /** `GET /events`, connected again whenever it breaks. */
  events(options?: EventStreamOptions): AsyncIterable<EventStreamItem>;
  /** Destroys all connections; calls underway and later ones fail with `canceled`. */
  close(): Promise<void>;
}

/** Calls on containers; `id` is an id, a unique prefix of one, or a name. */
export interface DockerContainers {
  /** `POST /containers/create`. `conflict` when the name is taken, `not_found` for the image. */
  create(
    body: ContainerCreateBody,
    options?: CallOptions & {
      name?: string | undefined;
      /** Such as `linux/arm64`. */
      platform?: string | undefined;
    },
  ): Promise<ContainerCreated>;
  /** `POST /containers/{id}/start`. */
  start(id: string, options?: CallOptions): Promise<StateChange>;
  /**
   * `POST /containers/{id}/stop`. `timeoutSeconds` is the grace between the stop signal and KILL;
   * -1 waits for ever; default: the container's `StopTimeout`, else 10. `stopSignal` needs
   * API 1.42 (`not_implemented` before). Not bounded by `requestTimeoutMs`.
   */
  stop(
    id: string,
    options?: CallOptions & {
      timeoutSeconds?: number | undefined;
      stopSignal?: string | undefined;
    },
  ): Promise<StateChange>;
  /** `POST /containers/{id}/kill`, KILL by default. `conflict` when it does not run. */
  kill(id: string, options?: CallOptions & { killSignal?: string | undefined }): Promise<void>;
  /** `DELETE /containers/{id}`. `volumes` removes its anonymous volumes too. */
  remove(
    id: string,
    options?: CallOptions & { force?: boolean | undefined; volumes?: boolean | undefined },
  ): Promise<void>;
  /** `GET /containers/{id}/json`. */
  inspect(
    id: string,
    options?: CallOptions & { size?: boolean | undefined },
  ): Promise<ContainerInspect>;
  /** `GET /containers/json`; running ones only unless `all`. */
  list(
    options?: CallOptions & {
      all?: boolean | undefined;
      filters?: Filters | undefined;
      size?: boolean | undefined;
      limit?: number | undefined;
    },
  ): Promise<ContainerSummary[]>;
  /** `POST /containers/{id}/update`; returns the engine's warnings. */
  update(id: string, body: ContainerUpdateBody, options?: CallOptions): Promise<string[]>;
  /** `POST /containers/{id}/rename`. `conflict` when the name is taken. */
  rename(id: string, name: string, options?: CallOptions): Promise<void>;
  /**
   * `POST /containers/{id}/wait`. `onWaiting` is called when the engine has begun to wait, so that
   * a start after it cannot be missed. Not bounded by `requestTimeoutMs`.
   */
  wait(
    id: string,
    options?: CallOptions & {
      condition?: WaitCondition | undefined;
      onWaiting?: (() => void) | undefined;
    },
  ): Promise<WaitResult>;
  /** `POST /containers/{id}/pause`. */
  pause(id: string, options?: CallOptions): Promise<void>;
  /** `POST /containers/{id}/unpause`. */
  unpause(id: string, options?: CallOptions): Promise<void>;
  /**
   * `POST /containers/{id}/checkpoints`: has CRIU write the processes into a new folder
   * `checkpointDir`/`checkpointId` of the engine's machine. Needs an engine with `experimental`
   * (`not_implemented` otherwise) and CRIU (`server_error`). The engine goes on with it when the caller
   * leaves. Not bounded by `requestTimeoutMs`.
   */
  checkpoint(
    id: string,
    options: CallOptions & {
      checkpointId: string;
      /** Default: a folder of the engine's own. */
      checkpointDir?: string | undefined;
      /** Whether the container ends with it; default false. */
      exit?: boolean | undefined;
    },
  ): Promise<void>;
  /** `GET /containers/{id}/changes`: what its file system has beside its image's, or no more. */
  changes(id: string, options?: CallOptions): Promise<ContainerChange[]>;
  /** `GET /containers/{id}/export`: its file system without volumes; destroy it when not read. */
  exportFiles(id: string, options?: CallOptions): Promise<Readable>;
  /** `POST /containers/{id}/resize`, in characters. */
  resize(id: string, size: TerminalSize, options?: CallOptions): Promise<void>;
  /** `GET /containers/{id}/top`; `psArgs` default `-ef`. */
  top(id: string, psArgs?: string, options?: CallOptions): Promise<ContainerProcesses>;
  /** `GET /containers/{id}/logs`. */
  logs(id: string, options?: LogOptions): LogStream;
  /** `POST /containers/{id}/attach`. */
  attach(id: string, options: AttachOptions): Promise<HijackedStream>;
  /**
   * `PUT /containers/{id}/archive`: unpacks a tar (plain or compressed) into the folder `path`.
   * The stream is destroyed when the engine refuses it.
   */
  putArchive(
    id: string,
    path: string,
    tar: Readable | Uint8Array,
    options?: CallOptions & {
      /** Refuse to replace a folder by a file and the other way round. */
      noOverwriteDirNonDir?: boolean | undefined;
      /** Keep the tar's owners. */
      copyUIDGID?: boolean | undefined;
    },
  ): Promise<void>;
  /** `GET /containers/{id}/archive`: the path as a tar stream; destroy it when not read to its end. */
  getArchive(
    id: string,
    path: string,
    options?: CallOptions,
  ): Promise<{ stat: ArchivePathStat; tar: Readable }>;
}

/** Size of a terminal in characters. */
export interface TerminalSize {
  height: number;
  width: number;
}

/** Processes started in running containers. */
export interface DockerExec {
  /** `POST /containers/{id}/exec`; returns the id of the exec. */
  create(containerId: string, body: ExecCreateBody, options?: CallOptions): Promise<string>;
  /** `POST /exec/{id}/start`. An abort gives up the connection; the process goes on. */
  start(execId: string, options: ExecStartOptions): Promise<HijackedStream>;
  /** `GET /exec/{id}/json`. */
  inspect(execId: string, options?: CallOptions): Promise<ExecInspect>;
  /** `POST /exec/{id}/resize`. */
  resize(execId: string, size: TerminalSize, options?: CallOptions): Promise<void>;
}

/** Calls on images; `ref` is an id, `name[:tag]` or `name@digest`. */
export interface DockerImages {
  /** `GET /images/json`; intermediate images only with `all`. */
  list(
    options?: CallOptions & {
      all?: boolean | undefined;
      filters?: Filters | undefined;
      /** Needs API 1.42; the field is -1 before. */
      sharedSize?: boolean | undefined;
      digests?: boolean | undefined;
    },
  ): Promise<ImageSummary[]>;
  /** `GET /images/{ref}/json`. */
  inspect(ref: string, options?: CallOptions): Promise<ImageInspect>;
  /** `GET /images/{ref}/history`. */
  history(ref: string, options?: CallOptions): Promise<ImageHistoryEntry[]>;
  /**
   * `POST /images/create`: pulls one image; without tag and digest that is `latest`. Resolves when
   * the engine has reported success. Fails with `not_found`, `unauthorized`, `forbidden`,
   * `registry_unavailable`, `no_space` or `server_error`, also for errors within the progress, and
   * with `unavailable` when the engine is out of reach or the progress stops short of an outcome. Not bounded by
   * `requestTimeoutMs`; an abort makes the engine stop the pull.
   */
  pull(
    ref: string,
    options?: CallOptions & {
      /** Credentials, or an encoded value for `X-Registry-Auth`. */
      auth?: RegistryAuth | string | undefined;
      /** Such as `linux/arm64`. */
      platform?: string | undefined;
      onProgress?: ((progress: PullProgress) => void) | undefined;
    },
  ): Promise<void>;
  /** `DELETE /images/{ref}`. `conflict` when a container uses it. */
  remove(
    ref: string,
    options?: CallOptions & { force?: boolean | undefined; noprune?: boolean | undefined },
  ): Promise<ImageRemoval[]>;
  /**
   * `POST /images/load`: a tar as of `docker save`; returns the names, or ids, that it held. The
   * stream is destroyed when the engine refuses it.
   */
  load(tar: Readable | Uint8Array, options?: CallOptions): Promise<string[]>;
  /** `GET /images/get`: a tar stream for `load`; destroy it when not read to its end. */
  save(refs: readonly string[], options?: CallOptions): Promise<Readable>;
  /** `POST /images/{ref}/tag`; `tag` default `latest`. */
  tag(
    ref: string,
    options: CallOptions & { repo: string; tag?: string | undefined },
  ): Promise<void>;
}
