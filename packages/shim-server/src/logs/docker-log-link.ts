import { linkDockerLog, unlinkDockerLog } from "@dockershim/container-logs";
import { ShimError } from "../shim-error.js";
import type { LogWay } from "./container-logs.js";
import { logPathOfRecord } from "./log-path.js";

/**
 * cri-dockerd's way (`--log-mode=docker`): Docker writes json-file, and the path that the kubelet
 * expects is a symlink to that file. The kubelet and crictl parse the format.
 */
export function createDockerLogLinks(): LogWay {
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
      if (path !== undefined) await unlinkDockerLog(path, record.inspect.LogPath);
    },
    sweep: async () => {},
    close: async () => {},
  };
}
