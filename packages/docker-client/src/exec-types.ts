import type { CallOptions } from "./call-options.js";

/** Body of `POST /containers/{id}/exec`. */
export interface ExecCreateBody {
  readonly Cmd: readonly string[];
  readonly Tty?: boolean | undefined;
  readonly AttachStdin?: boolean | undefined;
  readonly AttachStdout?: boolean | undefined;
  readonly AttachStderr?: boolean | undefined;
  /** `NAME=value`. */
  readonly Env?: readonly string[] | undefined;
  /** `user[:group]`. */
  readonly User?: string | undefined;
  readonly WorkingDir?: string | undefined;
  readonly Privileged?: boolean | undefined;
  readonly DetachKeys?: string | undefined;
}

/** How an exec is started. */
export interface ExecStartOptions extends CallOptions {
  /** The `Tty` that it was created with. */
  tty: boolean;
  /** Whether it was created with `AttachStdin`. */
  stdin: boolean;
}

/** Reply of `GET /exec/{id}/json`. */
export interface ExecInspect {
  ID: string;
  ContainerID: string;
  Running: boolean;
  /** Null until it has ended. */
  ExitCode: number | null;
  /** Host process id, 0 until it has started. */
  Pid: number;
  OpenStdin: boolean;
  OpenStdout: boolean;
  OpenStderr: boolean;
  ProcessConfig: {
    entrypoint: string;
    arguments: string[] | null;
    tty: boolean;
    privileged?: boolean | null;
    user?: string;
  };
}
