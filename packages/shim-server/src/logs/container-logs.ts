import type { LogConfig } from "@dockershim/pod-sandbox";
import type { ContainerRecord } from "../store/records.js";

/** How containers' output gets to the files that the kubelet reads. */
export interface ContainerLogs {
  /** The log driver that a new container is made with. */
  readonly logConfig: LogConfig;
  /** Called after a container was started. */
  started(record: ContainerRecord): Promise<void>;
  /** Called before a container is removed. */
  removed(record: ContainerRecord): Promise<void>;
}
