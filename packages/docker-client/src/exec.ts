import type { DockerExec } from "./docker-client.js";
import type { EngineHttp } from "./engine-http.js";
import { enginePath } from "./engine-path.js";
import type { ExecInspect } from "./exec-types.js";
import { createHijackedStream } from "./hijack.js";

/** The calls on processes in running containers. */
export function createExec(http: EngineHttp): DockerExec {
  return {
    async create(containerId, body, options = {}) {
      const operation = "exec.create";
      const { Id } = await http.json<{ Id: string }>({
        operation,
        method: "POST",
        path: enginePath(operation, ["/containers/", "/exec"], containerId),
        body,
        signal: options.signal,
      });
      return Id;
    },

    async start(execId, options) {
      const operation = "exec.start";
      const { socket, scope } = await http.hijack({
        operation,
        method: "POST",
        path: enginePath(operation, ["/exec/", "/start"], execId),
        body: { Detach: false, Tty: options.tty },
        signal: options.signal,
      });
      return createHijackedStream({
        socket,
        scope,
        endpoint: http.endpoint,
        tty: options.tty,
        stdin: options.stdin,
      });
    },

    async inspect(execId, options = {}) {
      const operation = "exec.inspect";
      return await http.json<ExecInspect>({
        operation,
        method: "GET",
        path: enginePath(operation, ["/exec/", "/json"], execId),
        signal: options.signal,
      });
    },

    async resize(execId, size, options = {}) {
      const operation = "exec.resize";
      await http.empty({
        operation,
        method: "POST",
        path: enginePath(operation, ["/exec/", "/resize"], execId),
        query: { h: size.height, w: size.width },
        signal: options.signal,
      });
    },
  };
}
