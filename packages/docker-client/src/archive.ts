import type { Readable } from "node:stream";
import Container from "dockerode/lib/container.js";
import type { ArchivePathStat } from "./container-types.js";
import type { EngineHttp } from "./engine-http.js";
import { headerOf } from "./engine-request.js";
import { DockerError } from "./errors.js";
import { createModem } from "./modem.js";
import { pathOfName } from "./path-of-name.js";
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
  const { signal, noOverwriteDirNonDir, copyUIDGID } = options;
  const modem = createModem({ operation, signal, timeoutMs: "none" }, http.empty);
  const container = new Container(modem, pathOfName(operation, id));
  await container.putArchive(tar, { path, noOverwriteDirNonDir, copyUIDGID });
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
    path: `/containers/${pathOfName(operation, id)}/archive`,
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
