import { CniError } from "./errors.js";

/** One run of a plugin's executable. */
export interface PluginRun {
  readonly path: string;
  /** The environment that every plugin inherits. */
  readonly env: Readonly<Record<string, string>>;
  /** The variables of this run (CNI_*), which come on top. */
  readonly variables: Readonly<Record<string, string>>;
  /** One line of text. */
  readonly stdin: string;
  /** Kills the plugin and all that it started; its reason becomes the error. */
  readonly signal: AbortSignal;
}

/** How a plugin's process ended. */
export interface PluginExit {
  /** Exit status, or null when a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  /** The end of what it wrote to standard error. */
  readonly stderr: string;
}

/** The port through which plugins are run. */
export interface PluginExec {
  /** @throws CniError `spawn_failed`, `invalid_result`, or the signal's reason */
  run(run: PluginRun): Promise<PluginExit>;
  /** Ends processes that are kept for later runs. */
  close(): void;
}

/** A plugin's result is a few kilobytes; what prints more than this has gone astray. */
export const maxStdoutBytes: number = 8 * 1024 * 1024;

const maxStderrBytes = 16 * 1024;

/** Collects what a plugin prints, within bounds. */
export interface OutputCollector {
  addStdout(chunk: Buffer): void;
  addStderr(chunk: Buffer): void;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param onOverflow is called with the error when a plugin prints without end */
export function collectOutput(
  path: string,
  onOverflow: (error: CniError) => void,
): OutputCollector {
  const stdout: Buffer[] = [];
  let stdoutBytes = 0;
  let stderr = Buffer.alloc(0);
  return {
    addStdout: (chunk) => {
      stdoutBytes += chunk.length;
      if (stdoutBytes > maxStdoutBytes) {
        onOverflow(
          new CniError("invalid_result", `${path} printed more than ${maxStdoutBytes} bytes`),
        );
        return;
      }
      stdout.push(chunk);
    },
    addStderr: (chunk) => {
      stderr = Buffer.concat([stderr, chunk]).subarray(-maxStderrBytes);
    },
    get stdout() {
      return Buffer.concat(stdout).toString();
    },
    get stderr() {
      return stderr.toString();
    },
  };
}

/** Kills a process that leads a process group, and the whole group with it. */
export function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The group has ended by itself in the meantime.
  }
}
