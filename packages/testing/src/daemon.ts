import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

const checkoutCommand = join(import.meta.dirname, "../../cli/bin/dockershim.js");

/** How a daemon is run. */
export interface DaemonOptions {
  /** Where it shall answer CRI, as `unix:///path`. */
  readonly listen: string;
  /** Further flags of `dockershim serve` without their dashes; a list repeats its flag. */
  readonly flags: Readonly<Record<string, string | readonly string[]>>;
  /** Hears each line of its log. */
  readonly onLine?: (line: string) => void;
  /** An executable in place of this checkout's command. */
  readonly executable?: string;
  /** Options of node itself, for this checkout's command. */
  readonly nodeArgs?: readonly string[];
  /** Its whole environment. Default: ours. */
  readonly env?: Readonly<Record<string, string>>;
  /** Out of our process group, so that Ctrl-C does not reach it. */
  readonly detached?: boolean;
  /** With a channel for messages to and from it. */
  readonly ipc?: boolean;
}

/** A daemon that runs as a process of its own. */
export interface Daemon {
  readonly process: ChildProcess;
  readonly pid: number;
  /** Where it answers CRI, as `unix:///path`. */
  readonly endpoint: string;
  /** Settles when it serves; rejects when it ends before. */
  readonly ready: Promise<void>;
  /** Ends it with SIGTERM and waits until it has ended. */
  stop(): Promise<void>;
  /** Ends it with SIGKILL and waits until it has ended. */
  kill(): Promise<void>;
}

/** The flags that put a daemon on a lab's engine and network. */
export function labFlags(lab: {
  readonly LAB_DOCKER_ENDPOINT: string;
  readonly LAB_CNI_CONF_DIR: string;
  readonly LAB_CNI_BIN_DIR: string;
}): Record<string, string> {
  return {
    "docker-endpoint": lab.LAB_DOCKER_ENDPOINT,
    "cni-conf-dir": lab.LAB_CNI_CONF_DIR,
    "cni-bin-dir": lab.LAB_CNI_BIN_DIR,
    // Another test on the same engine may have pods of cri-dockerd's, which bear nobody's name.
    "adopt-unlabelled": "false",
  };
}

/** Starts `dockershim serve`, and does not wait: see {@link Daemon.ready}. */
export function launchDaemon(options: DaemonOptions): Daemon {
  const { listen, nodeArgs = [], env = process.env, detached = false } = options;
  const flags = Object.entries({ listen, ...options.flags }).flatMap(([flag, values]) =>
    [values].flat().map((value) => `--${flag}=${value}`),
  );
  const { executable = process.execPath } = options;
  const command = options.executable === undefined ? [...nodeArgs, checkoutCommand] : [];
  const child = spawn(executable, [...command, "serve", ...flags], {
    stdio: ["ignore", "pipe", "inherit", ...(options.ipc ? (["ipc"] as const) : [])],
    detached,
    env,
  });
  const ended = once(child, "exit");
  ended.catch(() => undefined);
  const { pid, stdout } = child;
  if (pid === undefined || stdout === null) throw new Error("the daemon could not be started");
  // Read in any case: a full pipe would stop it.
  createInterface({ input: stdout }).on("line", (line) => options.onLine?.(line));
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await ended;
  };
  const ready = waitUntilServing(child, listen.replace(/^unix:\/\//, ""));
  // Whoever kills it while it starts does not wait for it.
  ready.catch(() => undefined);
  return {
    process: child,
    pid,
    endpoint: listen,
    ready,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
  };
}

/** Starts `dockershim serve` and waits until it serves; one that does not is stopped. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const daemon = launchDaemon(options);
  try {
    await daemon.ready;
    return daemon;
  } catch (err) {
    await daemon.stop();
    throw err;
  }
}

async function waitUntilServing(child: ChildProcess, socket: string): Promise<void> {
  while (!(await answers(socket))) {
    const end = child.exitCode ?? child.signalCode;
    if (end !== null) throw new Error(`the daemon ended with ${end} before it was ready`);
    await delay(2);
  }
}

/** Whether somebody takes connections on a unix socket. */
export async function answers(socket: string): Promise<boolean> {
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
