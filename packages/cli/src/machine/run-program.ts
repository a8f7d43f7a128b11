import { spawn } from "node:child_process";

/** What a program said before it ended. */
export interface ProgramOutcome {
  /** undefined when it could not be run, or was killed. */
  readonly code: number | undefined;
  readonly stdout: string;
  /** What it, or the attempt to run it, said of a failure. */
  readonly stderr: string;
}

/**
 * Runs a program of the node that only tells something. It never throws: what cannot be asked is an answer too.
 *
 * @param options.path Where it is looked for, as in $PATH.
 * @param options.timeoutMs When it is killed.
 * @param options.maxBytes How much of its output is kept, from the start; 1 MiB by default.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: { readonly path: string; readonly timeoutMs: number; readonly maxBytes?: number },
): Promise<ProgramOutcome> {
  const { path, timeoutMs, maxBytes = 1_048_576 } = options;
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "pipe"],
    // In a process group of its own, so that what it has started ends with it.
    detached: true,
    env: { PATH: path, LC_ALL: "C" },
  });
  const read = (stream: NodeJS.ReadableStream): (() => string) => {
    const chunks: Buffer[] = [];
    let length = 0;
    stream.on("data", (chunk: Buffer) => {
      if (length < maxBytes) chunks.push(chunk.subarray(0, maxBytes - length));
      length += chunk.length;
    });
    return () => Buffer.concat(chunks).toString();
  };
  const [stdout, stderr] = [read(child.stdout), read(child.stderr)];
  let late = false;
  // spawn's own timeout would go on after a program that could not be run, and keep the process.
  const timer = setTimeout(() => {
    late = true;
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has just ended.
    }
  }, timeoutMs);
  return await new Promise((resolve) => {
    const end = (outcome: ProgramOutcome): void => {
      clearTimeout(timer);
      resolve(outcome);
    };
    child.once("error", ({ message }) => end({ code: undefined, stdout: "", stderr: message }));
    child.once("close", (code) => {
      const why = late ? `${program} gave no answer in ${timeoutMs} ms` : stderr().trim();
      end({ code: late ? undefined : (code ?? undefined), stdout: stdout(), stderr: why });
    });
  });
}
