import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { LabEnv } from "../lab/env.ts";
import { ConformanceError } from "./conformance-error.ts";

const program = join(import.meta.dirname, "../packages/cli/bin/dockershim.js");

/** The daemon under test. */
export interface Daemon {
  /** Where it answers CRI, as `unix:///path`. */
  readonly endpoint: string;
  readonly logFile: string;
  stop(): Promise<void>;
}

/** Starts the daemon on the lab's engine and waits until it is ready. */
export async function startDaemon(lab: LabEnv, folder: string): Promise<Daemon> {
  mkdirSync(folder, { recursive: true });
  const endpoint = `unix://${join(folder, "shim.sock")}`;
  const logFile = join(folder, "daemon.log");
  const args = Object.entries({
    listen: endpoint,
    "root-dir": join(folder, "root"),
    "docker-endpoint": lab.LAB_DOCKER_ENDPOINT,
    "cni-conf-dir": lab.LAB_CNI_CONF_DIR,
    "cni-bin-dir": lab.LAB_CNI_BIN_DIR,
    "log-level": "info",
  }).flatMap(([flag, value]) => [`--${flag}`, value]);
  const child = spawn(process.execPath, [program, "serve", ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const log = createWriteStream(logFile);
  const exited = once(child, "exit");
  const ready = new Promise<void>((resolve) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      log.write(`${line}\n`);
      if (line.includes('"msg":"ready"')) resolve();
    });
  });
  const died = exited.then(([code]) => {
    throw new ConformanceError(`the daemon ended with ${code} before it was ready; see ${logFile}`);
  });
  await Promise.race([ready, died]);
  died.catch(() => undefined);
  return { endpoint, logFile, stop: () => stop(child, exited, () => log.end()) };
}

async function stop(
  child: ChildProcess,
  exited: Promise<unknown>,
  closeLog: () => void,
): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
  await exited;
  closeLog();
}
