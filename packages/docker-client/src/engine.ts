import { compareApiVersions } from "./api-version.js";
import type { DockerClient, DockerClientLog } from "./docker-client.js";
import type { Endpoint } from "./endpoint.js";
import type { EngineHttp } from "./engine-http.js";
import { headerOf } from "./engine-request.js";
import type { DiskUsage, EngineInfo, EngineVersion } from "./engine-types.js";
import { streamEvents } from "./events.js";
import { readText } from "./read-body.js";
import { infoShape, versionShape } from "./reply-shapes.js";

/** The calls on the engine itself. */
export function createEngine(
  http: EngineHttp,
  endpoint: Endpoint,
  log: DockerClientLog,
): Pick<DockerClient, "apiVersion" | "ping" | "version" | "info" | "diskUsage" | "events"> {
  /**
   * The engine's clock, Unix nanoseconds. Behind a unix socket it is ours; elsewhere the `Date`
   * header tells it, cut to seconds.
   */
  async function engineClock(signal: AbortSignal | undefined): Promise<bigint> {
    if (endpoint.kind === "unix") return BigInt(Date.now()) * 1_000_000n;
    const { response, scope } = await http.open({
      operation: "events",
      method: "GET",
      path: "/_ping",
      unversioned: true,
      signal,
    });
    try {
      await readText(response, 1024, "is cut");
    } finally {
      scope.dispose();
    }
    const date = Date.parse(headerOf(response, "date") ?? "");
    return BigInt(Number.isNaN(date) ? Date.now() : date) * 1_000_000n;
  }

  return {
    apiVersion: (options = {}) => http.apiVersion(options.signal),

    async ping(options = {}) {
      await http.empty({
        operation: "ping",
        method: "GET",
        path: "/_ping",
        signal: options.signal,
        unversioned: true,
      });
    },

    async version(options = {}) {
      return await http.json<EngineVersion>({
        operation: "version",
        method: "GET",
        path: "/version",
        shape: versionShape,
        signal: options.signal,
      });
    },

    async info(options = {}) {
      return await http.json<EngineInfo>({
        operation: "info",
        method: "GET",
        path: "/info",
        shape: infoShape,
        signal: options.signal,
      });
    },

    async diskUsage(options = {}) {
      // Older engines know no types and answer with everything.
      const version = await http.apiVersion(options.signal);
      const type = compareApiVersions(version, "1.42") >= 0 ? options.type : undefined;
      return await http.json<DiskUsage>({
        operation: "diskUsage",
        method: "GET",
        path: "/system/df",
        query: { type },
        shape: "object",
        signal: options.signal,
      });
    },

    events: (options = {}) => streamEvents(http, options, engineClock, log),
  };
}
