import Container from "dockerode/lib/container.js";
import { compareApiVersions } from "./api-version.js";
import { getArchive, putArchive } from "./archive.js";
import type {
  ContainerChange,
  ContainerCreated,
  ContainerInspect,
  ContainerProcesses,
  ContainerSummary,
  StateChange,
  WaitResult,
} from "./container-types.js";
import type { DockerContainers } from "./docker-client.js";
import type { EngineHttp } from "./engine-http.js";
import type { EngineRequest } from "./engine-request.js";
import { DockerError, isDockerError } from "./errors.js";
import { createHijackedStream } from "./hijack.js";
import { createLogStream } from "./logs.js";
import { createModem, type ModemCall } from "./modem.js";
import { pathOfName } from "./path-of-name.js";
import {
  containerInspectShape,
  containerListShape,
  createdShape,
  maxInspectBytes,
  waitShape,
} from "./reply-shapes.js";
import { streamBody } from "./stream-body.js";

/**
 * The calls on containers: those that end in a value through dockerode's class, the others on their
 * own (README, "Which call goes through dockerode").
 */
export function createContainers(http: EngineHttp): DockerContainers {
  /** dockerode's container for one call, which `send` answers in JSON or not at all. */
  function container(
    verb: string,
    id: string,
    call: Omit<ModemCall, "operation">,
    send: (request: EngineRequest) => Promise<unknown> = http.empty,
  ): Container {
    const operation = `containers.${verb}`;
    return new Container(createModem({ operation, ...call }, send), pathOfName(operation, id));
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
          shape: createdShape,
          signal: options.signal,
        })
        .then(({ Id, Warnings }) => ({ Id, Warnings: Warnings ?? [] }));
    },

    start: async (id, { signal } = {}) => await change(container("start", id, { signal }).start()),

    async stop(id, options = {}) {
      const { stopSignal, timeoutSeconds, signal } = options;
      const named = container("stop", id, { signal, timeoutMs: "none" });
      if (stopSignal !== undefined) {
        const version = await http.apiVersion(signal);
        if (compareApiVersions(version, "1.42") < 0) {
          throw new DockerError({
            code: "not_implemented",
            operation: "containers.stop",
            engineMessage: `stopping with a signal of choice needs API 1.42, the engine has ${version}`,
          });
        }
      }
      return await change(named.stop({ t: timeoutSeconds, signal: stopSignal }));
    },

    async kill(id, { signal, killSignal } = {}) {
      await container("kill", id, { signal }).kill({ signal: killSignal });
    },

    async remove(id, { signal, force, volumes } = {}) {
      await container("remove", id, { signal }).remove({ force, v: volumes });
    },

    async inspect(id, { signal, size } = {}) {
      const call = { signal, shape: containerInspectShape, maxReplyBytes: maxInspectBytes };
      return (await container("inspect", id, call, http.json).inspect({
        size,
      })) as ContainerInspect;
    },

    async list({ signal, all, filters, size, limit } = {}) {
      return await http.json<ContainerSummary[]>({
        operation: "containers.list",
        method: "GET",
        path: "/containers/json",
        query: { all, filters, size, limit },
        shape: containerListShape,
        signal,
      });
    },

    async update(id, body, { signal } = {}) {
      const updated = await container("update", id, { signal, shape: "object" }, http.json).update(
        body,
      );
      return (updated as { Warnings: string[] | null }).Warnings ?? [];
    },

    async rename(id, name, { signal } = {}) {
      await container("rename", id, { signal }).rename({ name });
    },

    async wait(id, { signal, condition, onWaiting } = {}) {
      const named = container(
        "wait",
        id,
        { signal, timeoutMs: "none", onHead: onWaiting, shape: waitShape },
        http.json,
      );
      return (await named.wait({ condition })) as WaitResult;
    },

    async pause(id, { signal } = {}) {
      await container("pause", id, { signal }).pause();
    },

    async unpause(id, { signal } = {}) {
      await container("unpause", id, { signal }).unpause();
    },

    async checkpoint(id, { checkpointId, checkpointDir, exit = false, signal }) {
      const named = container("checkpoint", id, { signal, timeoutMs: "none" });
      await named.createCheckpoint({
        CheckpointID: checkpointId,
        CheckpointDir: checkpointDir,
        Exit: exit,
      });
    },

    async changes(id, { signal } = {}) {
      const named = container("changes", id, { signal, timeoutMs: "none" }, http.json);
      return ((await named.changes()) as ContainerChange[] | null) ?? [];
    },

    async exportFiles(id, { signal } = {}) {
      const operation = "containers.exportFiles";
      const path = `/containers/${pathOfName(operation, id)}/export`;
      const request = { operation, method: "GET", path, signal, timeoutMs: "none" } as const;
      return (await streamBody(http, request)).body;
    },

    async resize(id, { height, width }, { signal } = {}) {
      await container("resize", id, { signal }).resize({ h: height, w: width });
    },

    async top(id, psArgs, { signal } = {}) {
      const named = container("top", id, { signal, shape: "object" }, http.json);
      return (await named.top({ ps_args: psArgs })) as ContainerProcesses;
    },

    logs: (id, options = {}) => createLogStream(http, id, options),

    async attach(id, options) {
      const { stdin = false, stdout = false, stderr = false, tty } = options;
      const operation = "containers.attach";
      const { socket, scope } = await http.hijack({
        operation,
        method: "POST",
        path: `/containers/${pathOfName(operation, id)}/attach`,
        query: {
          stream: options.stream ?? true,
          logs: options.logs,
          stdin,
          stdout,
          stderr,
          detachKeys: options.detachKeys,
        },
        signal: options.signal,
      });
      return createHijackedStream({ socket, scope, endpoint: http.endpoint, tty, stdin });
    },

    putArchive: (id, path, tar, options = {}) => putArchive(http, id, path, tar, options),
    getArchive: (id, path, options = {}) => getArchive(http, id, path, options),
  };
}

/** Starting what runs and stopping what does not is answered by 304: the wish is fulfilled. */
async function change(call: Promise<unknown>): Promise<StateChange> {
  try {
    await call;
    return { changed: true };
  } catch (reason) {
    if (isDockerError(reason, "not_modified")) return { changed: false };
    throw reason;
  }
}
