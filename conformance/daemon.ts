import { createWriteStream, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { labFlags, startDaemon } from "@dockershim/testing";
import { runsSystemd } from "../lab/config.ts";
import type { LabEnv } from "../lab/env.ts";
import { ConformanceError } from "./conformance-error.ts";
import { startUnit, stopUnit } from "./daemon-unit.ts";

/** The daemon under test. */
export interface TestedDaemon {
  /** Where it answers CRI, as `unix:///path`. */
  readonly endpoint: string;
  readonly logFile: string;
  stop(): Promise<void>;
}

/** Where NRI plugins connect to the daemon whose files are in a folder. */
export function nriSocketIn(folder: string): string {
  return join(folder, "nri", "nri.sock");
}

/** The file with the number of the daemon's process, while it runs. */
export function pidFileIn(folder: string): string {
  return join(folder, "daemon.pid");
}

const program = join(import.meta.dirname, "../packages/cli/bin/dockershim.js");

/**
 * Starts the daemon on the lab's engine, with its log in a file, and waits until it is ready. Where systemd runs, it is
 * a service of that, which comes back when it is killed.
 */
export async function startTestedDaemon(lab: LabEnv, folder: string): Promise<TestedDaemon> {
  mkdirSync(folder, { recursive: true });
  const logFile = join(folder, "daemon.log");
  const pidFile = pidFileIn(folder);
  const socket = join(folder, "shim.sock");
  const endpoint = `unix://${socket}`;
  const flags = {
    "root-dir": join(folder, "root"),
    "log-level": "info",
    "nri-socket": nriSocketIn(folder),
    "nri-plugin-dir": join(folder, "nri", "plugins"),
    "nri-config-dir": join(folder, "nri", "conf.d"),
    ...labFlags(lab),
  };
  if (runsSystemd()) {
    const line = Object.entries({ listen: endpoint, ...flags });
    const args = [program, "serve", ...line.map(([flag, value]) => `--${flag}=${value}`)];
    const name = "dockershim-conformance";
    const unit = { name, program: process.execPath, args, socket, logFile, pidFile };
    await startUnit(unit);
    return { endpoint, logFile, stop: () => stopUnit(unit) };
  }
  const log = createWriteStream(logFile);
  const daemon = await startDaemon({
    listen: endpoint,
    flags,
    onLine: (line) => log.write(`${line}\n`),
  }).catch((cause) => {
    throw new ConformanceError(`${cause.message}; see ${logFile}`, cause);
  });
  writeFileSync(pidFile, String(daemon.pid));
  return {
    endpoint,
    logFile,
    async stop() {
      await daemon.stop();
      rmSync(pidFile);
      log.end();
    },
  };
}
