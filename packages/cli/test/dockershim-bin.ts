import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";

/** The command as it is installed. */
export const bin = join(import.meta.dirname, "../bin/dockershim.js");

/** Starts the command as a person would, with nothing of the surroundings but PATH. */
export function startBin(
  args: readonly string[],
  env: Record<string, string> = {},
): ChildProcessByStdio<null, Readable, Readable> {
  return spawn(process.execPath, [bin, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH ?? "", ...env },
  });
}

/** Like {@link startBin}, with a pipe for its input. */
export function startBinWithInput(
  args: readonly string[],
  env: Record<string, string> = {},
): ChildProcessByStdio<Writable, Readable, Readable> {
  return spawn(process.execPath, [bin, ...args], {
    stdio: "pipe",
    env: { PATH: process.env.PATH ?? "", ...env },
  });
}

/** Runs the command to its end. */
export async function runBin(args: readonly string[], env: Record<string, string> = {}) {
  const child = startBin(args, env);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { stdout, stderr, code: code as number | null };
}
