import type { LogPath } from "@dockershim/container-logs";
import { logPathOf, readContainerRecord } from "@dockershim/pod-sandbox";
import type { ContainerRecord } from "../state/records.js";

/** Where a container's log goes; undefined where CRI asked for none. */
export function logPathOfRecord({ inspect }: ContainerRecord): LogPath | undefined {
  const path = logPathOf(inspect);
  if (path === "") return undefined;
  const file = readContainerRecord(inspect)?.config.logPath ?? "";
  if (file !== "" && path.endsWith(`/${file}`)) {
    return { directory: path.slice(0, -file.length - 1), file };
  }
  const slash = path.lastIndexOf("/");
  return { directory: path.slice(0, slash), file: path.slice(slash + 1) };
}
