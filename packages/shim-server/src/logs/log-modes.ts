import { INSTANCE_LABEL, type LogConfig } from "@dockershim/pod-sandbox";
import type { ShimOptions } from "../options.js";
import { ShimError } from "../shim-error.js";
import type { ContainerRecord } from "../state/records.js";
import type { ContainerLogs, LogWay } from "./container-logs.js";
import type { CriLogs } from "./cri-logs.js";
import { LogPathError, makeFolders, refuseLink } from "./log-target.js";

const logConfigs: Record<ShimOptions["logMode"], LogConfig> = {
  // Compressed files could not be read while Docker writes on, and their names change twice.
  cri: { Type: "local", Config: { "max-size": "32m", "max-file": "4", compress: "false" } },
  docker: { Type: "json-file", Config: {} },
};

/**
 * Gives each container the way it was made for, whatever the daemon's mode is now: a container
 * keeps its log driver for life, so a mode counts for new containers only.
 */
export function createContainerLogs(
  mode: ShimOptions["logMode"],
  ways: { readonly cri: CriLogs; readonly docker: LogWay },
): ContainerLogs {
  const wayOf = (record: ContainerRecord): LogWay => (isOurs(record) ? ways.cri : ways.docker);
  return {
    logConfig: logConfigs[mode],
    prepare(path) {
      if (path.directory === "" || path.file === "") return;
      try {
        makeFolders(path);
        if (mode === "cri") refuseLink(path);
      } catch (err) {
        if (!(err instanceof LogPathError)) throw err;
        throw new ShimError("invalid_argument", `config.${err.message}`, { cause: err });
      }
    },
    beforePublish: (record) => wayOf(record).beforePublish(record),
    started: (record) => wayOf(record).started(record),
    reopen: (record) => wayOf(record).reopen(record),
    removed: (record) => wayOf(record).removed(record),
    sweep: (ids) => ways.cri.sweep(ids),
    lag: () => ways.cri.lag(),
    close: () => ways.cri.close(),
  };
}

/** Containers of cri-dockerd keep their links, even where the engine's own default is `local`. */
function isOurs({ inspect }: ContainerRecord): boolean {
  return (
    inspect.HostConfig?.LogConfig?.Type === "local" &&
    inspect.Config.Labels?.[INSTANCE_LABEL] !== undefined
  );
}
