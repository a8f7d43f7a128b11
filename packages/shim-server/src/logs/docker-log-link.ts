import { linkDockerLog, unlinkDockerLog } from "@dockershim/container-logs";
import type { Logger } from "pino";
import { within } from "../async/within.js";
import { ShimError } from "../shim-error.js";
import type { LogWay } from "./container-logs.js";
import { logPathOfRecord } from "./log-path.js";

export interface DockerLogLinksOptions {
  readonly log: Pick<Logger, "warn">;
  /** How long a removal waits for its link's, in ms. */
  readonly settleMs?: number;
  /** Who removes a link; by default the file system does. */
  readonly unlink?: typeof unlinkDockerLog;
}

/**
 * cri-dockerd's way (`--log-mode=docker`): Docker writes json-file, and the path that the kubelet
 * expects is a symlink to that file. The kubelet and crictl parse the format.
 */
export function createDockerLogLinks(options: DockerLogLinksOptions): LogWay {
  const { log, settleMs = 10_000, unlink = unlinkDockerLog } = options;
  return {
    beforePublish: async () => {},
    async started(record) {
      const path = logPathOfRecord(record);
      const dockerFile = record.inspect.LogPath;
      if (path !== undefined && dockerFile !== "") await linkDockerLog(path, dockerFile);
    },
    async reopen() {
      throw new ShimError(
        "unimplemented",
        "the engine writes this container's log itself (json-file) and rotates it by its own options",
      );
    },
    async removed(record) {
      const path = logPathOfRecord(record);
      if (path === undefined) return;
      const removal = unlink(path, record.inspect.LogPath);
      if ((await within(removal, settleMs)) !== "late") return;
      removal.catch((err) =>
        log.warn({ err, container: record.id }, "a log's link was not removed"),
      );
      log.warn({ container: record.id }, "the container is gone before its log's link");
    },
    sweep: async () => {},
    close: async () => {},
  };
}
