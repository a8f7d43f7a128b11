import { createWriteStream, mkdirSync } from "node:fs";
import { join } from "node:path";
import { labFlags, startDaemon } from "@dockershim/testing";
import type { LabEnv } from "../lab/env.ts";
import { ConformanceError } from "./conformance-error.ts";

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

/** Starts the daemon on the lab's engine, with its log in a file, and waits until it is ready. */
export async function startTestedDaemon(lab: LabEnv, folder: string): Promise<TestedDaemon> {
  mkdirSync(folder, { recursive: true });
  const logFile = join(folder, "daemon.log");
  const log = createWriteStream(logFile);
  const daemon = await startDaemon({
    listen: `unix://${join(folder, "shim.sock")}`,
    flags: {
      "root-dir": join(folder, "root"),
      "log-level": "info",
      "nri-socket": nriSocketIn(folder),
      "nri-plugin-dir": join(folder, "nri", "plugins"),
      "nri-config-dir": join(folder, "nri", "conf.d"),
      ...labFlags(lab),
    },
    onLine: (line) => log.write(`${line}\n`),
  }).catch((cause) => {
    throw new ConformanceError(`${cause.message}; see ${logFile}`, cause);
  });
  return {
    endpoint: daemon.endpoint,
    logFile,
    async stop() {
      await daemon.stop();
      log.end();
    },
  };
}
