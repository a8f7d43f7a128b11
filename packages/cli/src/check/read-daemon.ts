import { X509Certificate } from "node:crypto";
import { lstat, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ShimOptions } from "@dockershim/shim-server/options";
import { readProcess } from "../machine/node-processes.js";
import { socketPath } from "../machine/socket-path.js";
import type { ChosenOptions } from "../node/choose-options.js";
import type { NodePlaces } from "../node/node-places.js";
import { readIfThere } from "../node/read-if-there.js";
import type { DaemonFacts, SocketFacts } from "./check-facts.js";
import { readFileSystemType, readListening } from "./read-node.js";

/** Commands that are a daemon. */
const daemonCommands = ["serve", "cri-dockerd"];

/**
 * Looks at what the daemon has on the node, or is going to have.
 *
 * @param endpoint Where it serves, or is going to.
 */
export async function readDaemon(
  { root, procDir }: NodePlaces,
  { options, from, problems }: ChosenOptions,
  endpoint: string,
): Promise<DaemonFacts> {
  const rootDir = join(root, options.rootDir);
  const folder = await stat(rootDir).catch(() => undefined);
  const lock = await readIfThere(join(rootDir, "lock"));
  const [, pid] = typeof lock === "string" ? (/^process (\d+),/.exec(lock) ?? []) : [];
  // A lock's text stays when its process has ended, and its number may be another one's by now.
  const holder = pid === undefined ? undefined : await readProcess(procDir, Number(pid));
  const isDaemon = holder?.args.some((arg) => daemonCommands.includes(arg)) === true;
  const score = isDaemon
    ? await readFile(join(procDir, `${pid}`, "oom_score_adj"), "utf8").catch(() => undefined)
    : undefined;
  return {
    options,
    optionsFrom: from,
    optionProblems: problems,
    socket: await readSocket(root, endpoint),
    rootDir: {
      exists: folder?.isDirectory() === true,
      mode: folder?.mode ?? 0,
      uid: folder?.uid ?? 0,
      fileSystem: folder === undefined ? "" : await readFileSystemType(rootDir, procDir),
      pid: isDaemon ? Number(pid) : undefined,
    },
    oomScoreAdj: score === undefined ? undefined : Number(score),
    takenAddresses: await readTaken(options, procDir),
    certificateEnds: await readCertificate(root, options.streamingTlsCertFile),
  };
}

async function readSocket(root: string, endpoint: string): Promise<SocketFacts> {
  const path = socketPath(endpoint);
  const file = await lstat(join(root, path)).catch(() => undefined);
  if (file === undefined) return { path, kind: "missing", mode: 0, uid: 0 };
  const { mode, uid } = file;
  return { path, kind: file.isSocket() ? "socket" : "other", mode: mode & 0o7777, uid };
}

/** Ports alone are compared: whoever has one on another address is told of too, which is seldom wrong. */
async function readTaken(
  { streamingBindAddr, metricsBindAddr }: ShimOptions,
  procDir: string,
): Promise<string[]> {
  const listening = await readListening(procDir);
  return [streamingBindAddr, metricsBindAddr].filter((address) => {
    const port = Number(address.split(":").at(-1));
    return port > 0 && listening.some((each) => each.protocol === "tcp" && each.port === port);
  });
}

async function readCertificate(
  root: string,
  file: string,
): Promise<DaemonFacts["certificateEnds"]> {
  if (file === "") return undefined;
  const text = await readIfThere(join(root, file));
  if (text === undefined) return "there is no such file";
  if (typeof text === "object") return text.problem;
  try {
    return new X509Certificate(text).validToDate.getTime();
  } catch {
    return "it is no certificate";
  }
}
