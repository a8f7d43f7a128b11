import type { CriClient } from "@dockershim/cri-client";
import { showElapsed } from "../output/elapsed-line.js";
import { isTerminal, type Terminal } from "../output/terminal.js";

/** A client whose calls say on a terminal what is waited for, once that takes longer than a second. */
export function withWaitingLine(client: CriClient, terminal: Terminal): CriClient {
  if (!isTerminal(terminal.stderr)) return client;
  return {
    ...client,
    runtime: tellCalls(client.runtime, terminal),
    image: tellCalls(client.image, terminal),
  };
}

function tellCalls<Service extends object>(service: Service, terminal: Terminal): Service {
  return new Proxy(service, {
    get(target, name, receiver) {
      const call: unknown = Reflect.get(target, name, receiver);
      if (typeof call !== "function") return call;
      return (...args: unknown[]) => {
        const reply: unknown = call.apply(target, args);
        if (!(reply instanceof Promise)) return reply;
        return showElapsed(terminal, `waiting for the runtime: ${String(name)}`, () => reply);
      };
    },
  });
}
