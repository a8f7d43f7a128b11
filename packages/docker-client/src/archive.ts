import type { Readable } from "node:stream";
import type { ArchivePathStat } from "./container-types.js";
import { type EngineHttp, headerOf } from "./engine-http.js";
import { enginePath } from "./engine-path.js";
import { DockerError } from "./errors.js";
import { streamBody } from "./stream-body.js";

/** Options of {@link putArchive}. */
export interface PutArchiveOptions {
  noOverwriteDirNonDir?: boolean | undefined;
  copyUIDGID?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

/** `PUT /containers/{id}/archive`. */
export async function putArchive(
  http: EngineHttp,
  id: string,
  path: string,
  tar: Readable | Uint8Array,
  options: PutArchiveOptions,
): Promise<void> {
  const operation = "containers.putArchive";
  await http.empty({
    operation,
    method: "PUT",
    path: enginePath(operation, ["/containers/", "/archive"], id),
    query: {
      path,
      noOverwriteDirNonDir: options.noOverwriteDirNonDir,
      copyUIDGID: options.copyUIDGID,
    },
    upload: tar,
    signal: options.signal,
    timeoutMs: "none",
  });
}

/** `GET /containers/{id}/archive`. */
export async function getArchive(
  http: EngineHttp,
  id: string,
  path: string,
  options: { signal?: AbortSignal | undefined },
): Promise<{ stat: ArchivePathStat; tar: Readable }> {
  const operation = "containers.getArchive";
  const { body, response } = await streamBody(http, {
    operation,
    method: "GET",
    path: enginePath(operation, ["/containers/", "/archive"], id),
    query: { path },
    signal: options.signal,
    timeoutMs: "none",
  });
  const header = headerOf(response, "x-docker-container-path-stat") ?? "";
  try {
    const stat = JSON.parse(Buffer.from(header, "base64").toString("utf8")) as ArchivePathStat;
    return { stat, tar: body };
  } catch (reason) {
    body.destroy();
    throw new DockerError({
      code: "server_error",
      operation,
      engineMessage: "the engine's description of the path cannot be read",
      cause: reason,
    });
  }
}
