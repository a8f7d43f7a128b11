import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import type { LabEnv } from "../lab/env.ts";

/** A daemon of ours, run by the benchmark. */
export interface OwnDaemon {
  readonly pid: number;
  readonly socket: string;
  /** Its V8 heap in use and what lies beside it, in bytes. */
  memory(): Promise<NodeJS.MemoryUsage>;
  /** Ends it with SIGTERM and waits until it has ended. */
  stop(): Promise<void>;
}

const program = join(import.meta.dirname, "../packages/cli/bin/dockershim.js");
const heapReporter = join(import.meta.dirname, "heap-reporter.js");

export interface DaemonChoices {
  /** Name of its socket and root directory within the lab. */
  readonly name: string;
  /** What comes after `serve` in addition. */
  readonly args?: readonly string[];
  /** Options of node itself, to compare V8 settings. */
  readonly nodeArgs?: readonly string[];
}

/** Starts the daemon on a lab's engine and waits until it serves. */
export async function startOwnDaemon(env: LabEnv, choices: DaemonChoices): Promise<OwnDaemon> {
  const socket = join(env.LAB_RUN_DIR, `${choices.name}.sock`);
  if (await answers(socket)) throw new Error(`another benchmark uses this lab: ${socket} answers`);
  const nodeArgs = ["--import", heapReporter, ...(choices.nodeArgs ?? [])];
  const serveArgs = [
    `--listen=unix://${socket}`,
    `--root-dir=${join(env.LAB_RUN_DIR, choices.name)}`,
    `--docker-endpoint=${env.LAB_DOCKER_ENDPOINT}`,
    `--cni-conf-dir=${env.LAB_CNI_CONF_DIR}`,
    `--cni-bin-dir=${env.LAB_CNI_BIN_DIR}`,
    "--adopt-unlabelled=false",
    "--log-level=error",
    ...(choices.args ?? []),
  ];
  const child = spawn(process.execPath, [...nodeArgs, program, "serve", ...serveArgs], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
    // Ctrl-C reaches the whole foreground group; the daemon has to outlive the cleaning.
    detached: true,
  });
  const { pid, stdout } = child;
  if (pid === undefined || stdout === null) throw new Error("the daemon could not be started");
  createInterface({ input: stdout }).on("line", (line) => console.error(`daemon: ${line}`));
  const daemon: OwnDaemon = {
    pid,
    socket,
    async memory() {
      const answer = once(child, "message");
      child.send("memory");
      const [usage] = (await answer) as [NodeJS.MemoryUsage];
      return usage;
    },
    stop: () => stop(child),
  };
  try {
    await waitForSocket(child, socket);
    return daemon;
  } catch (err) {
    await daemon.stop();
    throw err;
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
}

async function waitForSocket(child: ChildProcess, socket: string): Promise<void> {
  while (!(await answers(socket))) {
    if (child.exitCode !== null) throw new Error(`the daemon ended with ${child.exitCode}`);
    await delay(2);
  }
}

async function answers(socket: string): Promise<boolean> {
  const probe = connect(socket);
  try {
    return await new Promise((resolve) => {
      probe.once("connect", () => resolve(true));
      probe.once("error", () => resolve(false));
    });
  } finally {
    probe.destroy();
  }
}
