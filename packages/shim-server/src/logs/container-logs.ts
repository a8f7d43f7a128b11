import type { LogLag, LogPath } from "@dockershim/container-logs";
import type { LogConfig } from "@dockershim/pod-sandbox";
import type { ContainerRecord } from "../state/records.js";

/** How containers' output gets to the files that the kubelet reads. */
export interface ContainerLogs {
  /** The log driver that a new container is made with. */
  readonly logConfig: LogConfig;
  /**
   * Makes the folder of a new container's log.
   *
   * @throws ShimError `invalid_argument` for a path that leads through a symbolic link.
   */
  prepare(path: LogPath): void;
  /**
   * Called before a state of a container is made known. On return the log file is there if the
   * container runs, and complete if it has ended; within bounds, for a state must come out.
   */
  beforePublish(record: ContainerRecord): Promise<void>;
  /** Called after a container was started. */
  started(record: ContainerRecord): Promise<void>;
  /** Goes on in a new file after the old one was renamed (CRI's ReopenContainerLog). */
  reopen(record: ContainerRecord): Promise<void>;
  /** Called after a container was removed. */
  removed(record: ContainerRecord): Promise<void>;
  /** Called once the containers that there are, are known. */
  sweep(ids: ReadonlySet<string>): Promise<void>;
  /** How far the files are behind what containers have written. */
  lag(): LogLag;
  close(): Promise<void>;
}

/** One way of getting the logs of some of the containers; see {@link ContainerLogs}. */
export type LogWay = Omit<ContainerLogs, "logConfig" | "prepare" | "lag">;
