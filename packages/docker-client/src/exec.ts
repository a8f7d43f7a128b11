import Container from "dockerode/lib/container.js";
import Exec from "dockerode/lib/exec.js";
import type { DockerExec } from "./docker-client.js";
import type { EngineHttp } from "./engine-http.js";
import type { ExecInspect } from "./exec-types.js";
import { createHijackedStream } from "./hijack.js";
import { createModem } from "./modem.js";
import { pathOfName } from "./path-of-name.js";
import { execCreatedShape, execInspectShape } from "./reply-shapes.js";

/** The calls on processes in running containers. */
export function createExec(http: EngineHttp): DockerExec {
  return {
    async create(containerId, body, options = {}) {
      const operation = "exec.create";
      const modem = createModem(
        { operation, signal: options.signal, shape: execCreatedShape },
        http.json,
      );
      const { id } = await new Container(modem, pathOfName(operation, containerId)).exec(body);
      return id;
    },

    async start(execId, options) {
      const operation = "exec.start";
      const { socket, scope } = await http.hijack({
        operation,
        method: "POST",
        path: `/exec/${pathOfName(operation, execId)}/start`,
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
      const modem = createModem(
        { operation, signal: options.signal, shape: execInspectShape },
        http.json,
      );
      const exec = new Exec(modem, pathOfName(operation, execId));
      return (await exec.inspect()) as ExecInspect;
    },

    async resize(execId, size, options = {}) {
      const operation = "exec.resize";
      const modem = createModem({ operation, signal: options.signal }, http.empty);
      const exec = new Exec(modem, pathOfName(operation, execId));
      await exec.resize({ h: size.height, w: size.width });
    },
  };
}
