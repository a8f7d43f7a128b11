import { spawn } from "node:child_process";
import { LabError } from "./lab-error.ts";

/** Sbin folders are often missing from a user's PATH, and the tools the lab needs live there. */
export const toolPath = `${process.env.PATH ?? ""}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`;

export interface CommandOptions {
  /** What the command reads on stdin; nothing if absent. */
  readonly input?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the command when it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** A file descriptor that the command gets as its number 3: a lock is held until it has ended too. */
  readonly inherit?: number | undefined;
}

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end and reports how it went; a program that is not there counts as exit code 127. */
export function tryCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, PATH: toolPath, LC_ALL: "C", ...options.env },
      stdio: ["pipe", "pipe", "pipe", ...(options.inherit === undefined ? [] : [options.inherit])],
      signal: options.signal,
    });
    let stdout = "";
    let stderr = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.once("error", (error) => {
      // One that was aborted is waited for, so that nothing of it goes on while its traces are removed.
      if (child.pid === undefined) resolve({ code: 127, stdout, stderr: error.message });
    });
    child.once("close", (code) => resolve({ code: code ?? 128, stdout, stderr }));
    // A child that exits without reading its input is judged by its exit code, not by the broken pipe.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(options.input ?? "");
  });
}

/** The last lines of what a command said, for a person. */
export function lastWords({ stdout, stderr }: CommandResult): string {
  return (stderr || stdout).trim().split("\n").slice(-8).join("\n");
}

/**
 * Runs a command and returns its stdout; throws a {@link LabError} with its stderr when it fails, and the
 * reason of the abort when it was aborted.
 */
export async function command(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const result = await tryCommand(program, args, options);
  options.signal?.throwIfAborted();
  if (result.code !== 0) {
    const what = `${program} ${args.join(" ")} failed (${result.code})`;
    throw new LabError("command", `${what}: ${lastWords(result)}`);
  }
  return result.stdout;
}
