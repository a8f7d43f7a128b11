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

/** How the daemon of a node is started, other than usual. */
export interface DaemonChoices {
  /** A socket that listens at {@link daemonSocket}, for it to serve on. */
  readonly passedSocket?: number | undefined;
  /** A configuration file, which says where CNI's folders are. */
  readonly configFile?: string | undefined;
}

/** The daemon on the lab's engine, with everything of its own in `folder`. */
export function daemonOf(
  folder: string,
  lab: LabEnv,
  { passedSocket, configFile }: DaemonChoices = {},
): Program {
  const endpoint = daemonEndpoint(folder);
  const { "cni-conf-dir": confDir = "", "cni-bin-dir": binDir = "", ...ofLab } = labFlags(lab);
  const flags = {
    listen: endpoint,
    "root-dir": join(folder, "shim"),
    ...ofLab,
    ...(configFile === undefined
      ? { "cni-conf-dir": confDir, "cni-bin-dir": binDir }
      : { config: configFile }),
  };
  return {
    name: "dockershim",
    program: process.execPath,
    args: [program, "serve", ...Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`)],
    ...(passedSocket === undefined ? {} : { passedSocket }),
    timeoutMs: 300_000,
    isReady: () => servesCri(endpoint),
  };
}
