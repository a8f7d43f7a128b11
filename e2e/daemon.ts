import { join } from "node:path";
import { createCriClient } from "@dockershim/cri-client";
import { labFlags } from "@dockershim/testing";
import type { LabEnv } from "../lab/env.ts";
import type { Program } from "./processes.ts";

const program = join(import.meta.dirname, "../packages/cli/bin/dockershim.js");

/** The path of the socket on which the daemon of a node serves. */
export const daemonSocket = (folder: string): string => join(folder, "shim.sock");

/** Where the daemon of a node answers CRI. */
export function daemonEndpoint(folder: string): string {
  return `unix://${daemonSocket(folder)}`;
}

async function servesCri(endpoint: string): Promise<boolean> {
  const client = createCriClient({ endpoint });
  try {
    const { status } = await client.runtime.status({});
    return status?.conditions.every((condition) => condition.status) ?? false;
  } catch {
    return false;
  } finally {
    client.close();
  }
}

/**
 * The daemon on the lab's engine, with everything of its own in `folder`.
 *
 * @param passedSocket One that listens at {@link daemonSocket}, for it to serve on.
 */
export function daemonOf(folder: string, lab: LabEnv, passedSocket?: number): Program {
  const endpoint = daemonEndpoint(folder);
  const flags = { listen: endpoint, "root-dir": join(folder, "shim"), ...labFlags(lab) };
  return {
    name: "dockershim",
    program: process.execPath,
    args: [program, "serve", ...Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`)],
    ...(passedSocket === undefined ? {} : { passedSocket }),
    timeoutMs: 300_000,
    isReady: () => servesCri(endpoint),
  };
}
