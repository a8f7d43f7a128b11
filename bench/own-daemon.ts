import { once } from "node:events";
import { join } from "node:path";
import { answers, labFlags, startDaemon } from "@dockershim/testing";
import type { LabEnv } from "../lab/env.ts";

/** A daemon of ours, run by the benchmark. */
export interface OwnDaemon {
  readonly pid: number;
  readonly socket: string;
  /** Its V8 heap in use and what lies beside it, in bytes. */
  memory(): Promise<NodeJS.MemoryUsage>;
  /** How late its event loop was during some work, the 99th percentile in ms. */
  loopDelay(during: () => Promise<void>): Promise<number>;
  /** Ends it with SIGTERM and waits until it has ended. */
  stop(): Promise<void>;
}

const heapReporter = join(import.meta.dirname, "heap-reporter.js");

export interface DaemonChoices {
  /** Name of its socket and root directory within the lab. */
  readonly name: string;
  /** Flags of `dockershim serve` in addition. */
  readonly flags?: Readonly<Record<string, string>>;
  /** Options of node itself, to compare V8 settings. */
  readonly nodeArgs?: readonly string[];
  /** An executable in place of this checkout's command; it tells nothing of its memory and its event loop. */
  readonly executable?: string | undefined;
}

/** Starts the daemon on a lab's engine and waits until it serves. */
export async function startOwnDaemon(env: LabEnv, choices: DaemonChoices): Promise<OwnDaemon> {
  const socket = join(env.LAB_RUN_DIR, `${choices.name}.sock`);
  if (await answers(socket)) throw new Error(`another benchmark uses this lab: ${socket} answers`);
  const { executable } = choices;
  const daemon = await startDaemon({
    listen: `unix://${socket}`,
    flags: {
      "root-dir": join(env.LAB_RUN_DIR, choices.name),
      "log-level": "error",
      ...labFlags(env),
      ...choices.flags,
    },
    ...(executable === undefined
      ? { nodeArgs: ["--import", heapReporter, ...(choices.nodeArgs ?? [])], ipc: true }
      : { executable }),
    onLine: (line) => console.error(`daemon: ${line}`),
    // Ctrl-C reaches the whole foreground group; the daemon has to outlive the cleaning.
    detached: true,
  });
  async function ask<Answer>(question: string): Promise<Answer> {
    if (executable !== undefined) throw new Error(`${executable} does not tell its ${question}`);
    const answer = once(daemon.process, "message");
    daemon.process.send(question);
    const [told] = (await answer) as [Answer];
    return told;
  }
  return {
    pid: daemon.pid,
    socket,
    memory: () => ask("memory"),
    async loopDelay(during) {
      await ask("watch delay");
      await during();
      return await ask("delay");
    },
    stop: daemon.stop,
  };
}
