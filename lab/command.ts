import { spawn } from "node:child_process";
import { LabError } from "./lab-error.ts";

/** Sbin folders are often missing from a user's PATH, and the tools the lab needs live there. */
export const toolPath = `${process.env.PATH ?? ""}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`;

export interface CommandOptions {
  /** What the command reads on stdin; nothing if absent. */
  readonly input?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Show the command's own output on our stderr while it runs (long installs). */
  readonly verbose?: boolean;
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
      stdio: ["pipe", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      if (options.verbose) process.stderr.write(text);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      if (options.verbose) process.stderr.write(text);
    });
    child.once("error", (error) => resolve({ code: 127, stdout, stderr: error.message }));
    child.once("close", (code) => resolve({ code: code ?? 128, stdout, stderr }));
    // A child that exits without reading its input is judged by its exit code, not by the broken pipe.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
  });
}

/** Runs a command and returns its stdout; throws a {@link LabError} with its stderr when it fails. */
export async function command(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await tryCommand(program, args, options);
  if (code !== 0) {
    const said = (stderr || stdout).trim().split("\n").slice(-8).join("\n");
    throw new LabError("command", `${program} ${args.join(" ")} failed (${code}): ${said}`);
  }
  return stdout;
}
