import type { InspectedContainer } from "./docker-inspect.js";
import { CONTAINER_NAME_LABEL, RECORD_LABEL, SANDBOX_ID_LABEL } from "./labels.js";

/**
 * CRI's `info` of a verbose PodSandboxStatus or ContainerStatus: one entry, `info`, of JSON text
 * with what an operator needs to debug. `pid` and `sandboxID` are spelled as other runtimes do,
 * since tools look for them.
 *
 * @param extra further facts of the server, e.g. the CNI result
 */
export function toVerboseInfo(
  inspect: InspectedContainer,
  extra: Readonly<Record<string, unknown>> = {},
): Record<string, string> {
  const { State: state, Config: config, HostConfig: host } = inspect;
  const labels = config.Labels ?? {};
  const info = {
    pid: state.Pid,
    // A sandbox is its own.
    sandboxID: labels[SANDBOX_ID_LABEL] ?? inspect.Id,
    dockerName: inspect.Name.replace(/^\//, ""),
    dockerStatus: state.Status,
    dockerError: state.Error ?? "",
    imageID: inspect.Image,
    isSandbox: labels[CONTAINER_NAME_LABEL] === "POD",
    config: record(labels[RECORD_LABEL]),
    hostConfig: host ?? {},
    ...extra,
  };
  return { info: JSON.stringify(info) };
}

function record(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text).config;
  } catch {
    return undefined;
  }
}
