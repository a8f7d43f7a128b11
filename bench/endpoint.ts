import { RuntimeService } from "@dockershim/cri-types";
import { type CriCaller, createCriCaller } from "./cri-caller.ts";

/** A runtime that is measured. */
export interface Endpoint {
  readonly name: string;
  readonly socket: string;
  /** The runtime's process, for CPU and memory. */
  readonly pid: number | undefined;
  /** The engine behind it (dockerd), for CPU. */
  readonly enginePid: number | undefined;
  readonly cri: CriCaller;
  /** What it says of itself. */
  readonly version: string;
  /** Of a daemon that the benchmark has started: how late its event loop is meanwhile, p99 in ms. */
  readonly loopDelay?: (during: () => Promise<void>) => Promise<number>;
}

/** Where an endpoint is, before it is called. */
export interface EndpointAddress {
  readonly name: string;
  readonly socket: string;
  readonly pid?: number | undefined;
  readonly enginePid?: number | undefined;
}

/** Reads `name=socket[=pid[=engine pid]],…`. */
export function parseEndpoints(text: string): EndpointAddress[] {
  return text.split(",").map((part) => {
    const [name = "", endpoint = "", ...pids] = part.split("=");
    const socket = endpoint.replace(/^unix:\/\//, "");
    const numbers = pids.map(Number);
    const wrong = !/^[a-z0-9-]+$/.test(name) || !socket.startsWith("/") || pids.length > 2;
    if (wrong || numbers.some((pid) => !Number.isInteger(pid) || pid < 1)) {
      throw new Error(`--endpoints: "${part}" is not name=/path/of.sock[=pid[=engine pid]]`);
    }
    return { name, socket, pid: numbers[0], enginePid: numbers[1] };
  });
}

export async function openEndpoint(address: EndpointAddress): Promise<Endpoint> {
  const cri = await createCriCaller(address.socket);
  const { reply } = await cri.call(RuntimeService.method.version, {});
  return {
    name: address.name,
    socket: address.socket,
    pid: address.pid,
    enginePid: address.enginePid,
    cri,
    version: `${reply.runtimeName} ${reply.runtimeVersion}`,
  };
}
