import { linkDockerLog, unlinkDockerLog } from "@dockershim/container-logs";
import type { Logger } from "pino";
import { BoundedMap } from "../async/bounded-map.js";
import { within } from "../async/within.js";
import { ShimError } from "../shim-error.js";
import type { ContainerRecord } from "../state/records.js";
import type { LogWay } from "./container-logs.js";
import { logPathOfRecord } from "./log-path.js";

export interface DockerLogLinksOptions {
  readonly log: Pick<Logger, "warn">;
  /** How long a state or a removal waits for what is done to its link, in ms. */
  readonly settleMs?: number;
  /** Who removes a link; by default the file system does. */
  readonly unlink?: typeof unlinkDockerLog;
}

/**
 * cri-dockerd's way (`--log-mode=docker`): Docker writes json-file, and the path that the kubelet
 * expects is a symlink to that file. The kubelet and crictl parse the format.
 *
 * StartContainer makes it, when the engine tells where the file is. Where it could not be asked, or
 * a daemon was killed meanwhile, the link follows when the container is read.
 */
export function createDockerLogLinks(options: DockerLogLinksOptions): LogWay {
  const { log, settleMs = 10_000, unlink = unlinkDockerLog } = options;
  /** By container, so that one that somebody removes stays removed; of those that are gone, too. */
  const linked = new BoundedMap<string, Promise<void>>(4096);

  async function link(record: ContainerRecord, missing: boolean): Promise<void> {
    const path = logPathOfRecord(record);
    const dockerFile = record.inspect.LogPath;
    if (path !== undefined && dockerFile !== "") await linkDockerLog(path, dockerFile, { missing });
  }

  return {
    async beforePublish(record) {
      if (record.inspect.LogPath === "" || linked.has(record.id)) return;
      const linking = link(record, true).catch((err) => {
        linked.delete(record.id);
        log.warn({ err, container: record.id }, "the container's log has no link at present");
      });
      linked.set(record.id, linking);
      await within(linking, settleMs);
    },
    started: (record) => link(record, false),
    async reopen() {
      throw new ShimError(
        "unimplemented",
        "the engine writes this container's log itself (json-file) and rotates it by its own options",
      );
    },
    async removed(record) {
      const path = logPathOfRecord(record);
      if (path === undefined) return;
      const linking = linked.get(record.id) ?? Promise.resolve();
      linked.set(record.id, linking);
      const removal = linking.then(() => unlink(path, record.inspect.LogPath));
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
