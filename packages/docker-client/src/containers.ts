import { compareApiVersions } from "./api-version.js";
import { getArchive, putArchive } from "./archive.js";
import type {
  ContainerCreated,
  ContainerInspect,
  ContainerProcesses,
  ContainerSummary,
  StateChange,
  WaitResult,
} from "./container-types.js";
import type { DockerContainers } from "./docker-client.js";
import type { EngineHttp, EngineRequest } from "./engine-http.js";
import { enginePath } from "./engine-path.js";
import { DockerError, isDockerError } from "./errors.js";
import { toDockerError } from "./failure.js";
import { createHijackedStream } from "./hijack.js";
import { createLogStream } from "./logs.js";
import { readText } from "./read-body.js";

/** The calls on containers. */
export function createContainers(http: EngineHttp): DockerContainers {
  /** Starting what runs and stopping what does not is answered by 304: the wish is fulfilled. */
  async function change(request: EngineRequest): Promise<StateChange> {
    try {
      await http.empty(request);
      return { changed: true };
    } catch (reason) {
      if (isDockerError(reason, "not_modified")) {
        return { changed: false };
      }
      throw reason;
    }
  }

  /** `POST /containers/{id}/<verb>`. */
  function post(
    verb: string,
    id: string,
    rest: Partial<EngineRequest> & { signal: AbortSignal | undefined },
  ): EngineRequest {
    const operation = `containers.${verb}`;
    const path = enginePath(operation, ["/containers/", `/${verb}`], id);
    return { operation, method: "POST", path, ...rest };
  }

  return {
    async create(body, options = {}) {
      return await http
        .json<ContainerCreated>({
          operation: "containers.create",
          method: "POST",
          path: "/containers/create",
          query: { name: options.name, platform: options.platform },
          body,
          signal: options.signal,
        })
        .then(({ Id, Warnings }) => ({ Id, Warnings: Warnings ?? [] }));
    },

    start: async (id, options = {}) => await change(post("start", id, { signal: options.signal })),

    async stop(id, options = {}) {
      const { stopSignal, timeoutSeconds, signal } = options;
      const request = post("stop", id, {
        query: { t: timeoutSeconds, signal: stopSignal },
        signal,
        timeoutMs: "none",
      });
      if (stopSignal !== undefined) {
        const version = await http.apiVersion(signal);
        if (compareApiVersions(version, "1.42") < 0) {
          throw new DockerError({
            code: "not_implemented",
            operation: request.operation,
            engineMessage: `stopping with a signal of choice needs API 1.42, the engine has ${version}`,
          });
        }
      }
      return await change(request);
    },

    async kill(id, options = {}) {
      const query = { signal: options.killSignal };
      await http.empty(post("kill", id, { query, signal: options.signal }));
    },

    async remove(id, options = {}) {
      const operation = "containers.remove";
      await http.empty({
        operation,
        method: "DELETE",
        path: enginePath(operation, ["/containers/"], id),
        query: { force: options.force, v: options.volumes },
        signal: options.signal,
      });
    },

    async inspect(id, options = {}) {
      const operation = "containers.inspect";
      return await http.json<ContainerInspect>({
        operation,
        method: "GET",
        path: enginePath(operation, ["/containers/", "/json"], id),
        query: { size: options.size },
        signal: options.signal,
      });
    },

    async list(options = {}) {
      const { all, filters, size, limit, signal } = options;
      return await http.json<ContainerSummary[]>({
        operation: "containers.list",
        method: "GET",
        path: "/containers/json",
        query: { all, filters, size, limit },
        signal,
      });
    },

    async update(id, body, options = {}) {
      const { Warnings } = await http.json<{ Warnings: string[] | null }>(
        post("update", id, { body, signal: options.signal }),
      );
      return Warnings ?? [];
    },

    async rename(id, name, options = {}) {
      await http.empty(post("rename", id, { query: { name }, signal: options.signal }));
    },

    async wait(id, options = {}) {
      const { condition, onWaiting, signal } = options;
      const request = post("wait", id, { query: { condition }, signal, timeoutMs: "none" });
      const { response, scope } = await http.open(request);
      try {
        onWaiting?.();
        const body = await readText(response).catch((reason) => {
          throw toDockerError(reason, request.operation, http.endpoint, scope.signal);
        });
        return JSON.parse(body) as WaitResult;
      } finally {
        response.destroy();
        scope.dispose();
      }
    },

    pause: async (id, options = {}) =>
      await http.empty(post("pause", id, { signal: options.signal })),

    unpause: async (id, options = {}) =>
      await http.empty(post("unpause", id, { signal: options.signal })),

    async resize(id, size, options = {}) {
      const query = { h: size.height, w: size.width };
      await http.empty(post("resize", id, { query, signal: options.signal }));
    },

    async top(id, psArgs, options = {}) {
      const operation = "containers.top";
      return await http.json<ContainerProcesses>({
        operation,
        method: "GET",
        path: enginePath(operation, ["/containers/", "/top"], id),
        query: { ps_args: psArgs },
        signal: options.signal,
      });
    },

    logs: (id, options = {}) => createLogStream(http, id, options),

    async attach(id, options) {
      const { stdin = false, stdout = false, stderr = false, tty } = options;
      const { socket, scope } = await http.hijack(
        post("attach", id, {
          query: {
            stream: options.stream ?? true,
            logs: options.logs,
            stdin,
            stdout,
            stderr,
            detachKeys: options.detachKeys,
          },
          signal: options.signal,
        }),
      );
      return createHijackedStream({ socket, scope, endpoint: http.endpoint, tty, stdin });
    },

    putArchive: (id, path, tar, options = {}) => putArchive(http, id, path, tar, options),
    getArchive: (id, path, options = {}) => getArchive(http, id, path, options),
  };
}
