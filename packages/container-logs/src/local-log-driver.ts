import { join } from "node:path";

/** Docker's log configuration of a container whose log is to be copied (`HostConfig.LogConfig`). */
export const localLogConfig: {
  readonly Type: string;
  readonly Config: Readonly<Record<string, string>>;
} = {
  Type: "local",
  // Compressed files could not be read while Docker writes on, and their names change twice.
  Config: { "max-size": "32m", "max-file": "4", compress: "false" },
};

/**
 * Where Docker's `local` driver writes what a container says.
 *
 * @param dockerRoot `DockerRootDir` of `GET /info`.
 */
export function localLogFile(dockerRoot: string, containerId: string): string {
  return join(dockerRoot, "containers", containerId, "local-logs", "container.log");
}
