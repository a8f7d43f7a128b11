import { readFileSync } from "node:fs";

/**
 * `HostConfig.Runtime` of a container whose spec is to be changed. Docker (API 1.42 and newer) gives such a name to
 * containerd as it is, and containerd looks for a program of the name that follows from it:
 * `containerd-shim-dockershim-v2`.
 */
export const specHookRuntime = "io.containerd.dockershim.v2";

/** Name of the program as containerd looks for it, on its PATH and beside its own program. */
export const specHookShim = "containerd-shim-dockershim-v2";

/** Name of the program as the `path` of a runtime in daemon.json: it then stands in for runc. */
export const specHookWrapper = "dockershim-runc";

/**
 * The program as this package has it: what is put under both names.
 *
 * @param arch An architecture as Node.js has it (`process.arch`).
 * @returns undefined for one that there is no program for.
 */
export function specHookProgram(arch: string): Uint8Array | undefined {
  const name = { x64: "amd64", arm64: "arm64" }[arch];
  if (name === undefined) return undefined;
  return readFileSync(new URL(`../bin/${name}/${specHookShim}`, import.meta.url));
}
