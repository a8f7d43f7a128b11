import { ContainerLogError, localLogConfig, prepareLogPath } from "@dockershim/container-logs";
import { INSTANCE_LABEL, type LogConfig } from "@dockershim/pod-sandbox";
import type { ShimOptions } from "../options.js";
import { ShimError } from "../shim-error.js";
import { isListedOnly } from "../state/container-lookup.js";
import type { ContainerRecord } from "../state/records.js";
import type { ContainerLogs, LogWay } from "./container-logs.js";
import type { CriLogs } from "./cri-logs.js";

const logConfigs: Record<ShimOptions["logMode"], LogConfig> = {
  cri: localLogConfig,
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
        prepareLogPath(path, { link: mode === "docker" });
      } catch (err) {
        if (!(err instanceof ContainerLogError) || !isOfPath(err)) throw err;
        throw new ShimError("invalid_argument", `config.log_path: ${err.message}`, { cause: err });
      }
    },
    beforePublish: (record) => wayOf(record).beforePublish(record),
    started: (record) => wayOf(record).started(record),
    reopen: (record) => wayOf(record).reopen(record),
    // A position that is not there can be removed too.
    removed: (record) => (isListedOnly(record) ? ways.cri : wayOf(record)).removed(record),
    sweep: (ids) => ways.cri.sweep(ids),
    lag: () => ways.cri.lag(),
    close: () => ways.cri.close(),
  };
}

function isOfPath({ code }: ContainerLogError): boolean {
  return code === "invalid_path" || code === "path_refused";
}

/** Containers of cri-dockerd keep their links, even where the engine's own default is `local`. */
function isOurs({ inspect }: ContainerRecord): boolean {
  return (
    inspect.HostConfig?.LogConfig?.Type === "local" &&
    inspect.Config.Labels?.[INSTANCE_LABEL] !== undefined
  );
}
