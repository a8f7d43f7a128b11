import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { constants } from "node:os";
import { collectOutput, killGroup, type PluginExit, type PluginRun } from "./plugin-exec.js";

/**
 * A shell that starts plugins on our behalf, one at a time.
 *
 * Node starts a process by fork, which copies the page tables of a large process
 * and makes it fault on every page it writes afterwards: with 120 MB resident it
 * takes 6 ms, during which the event loop stands still. The fork of a shell of
 * 1 MB takes 0.5 ms, and we wait for it as for any other input.
 */
export interface ShellLauncher {
  /** Must not be called again before the promise has settled. */
  run(run: PluginRun): Promise<PluginExit>;
  /** Whether it can take another run. */
  readonly usable: boolean;
  /** Ends the shell once it is idle. */
  end(): void;
}

interface RunningPlugin {
  onStdout(chunk: Buffer): void;
  onStderr(chunk: Buffer): void;
  onClose(error?: Error): void;
}

/** The shell ended, or could not be started, before the plugin had. */
export class ShellLostError extends Error {
  override readonly name = "ShellLostError";
  /** Whether the plugin may have run. */
  readonly begun: boolean;

  constructor(begun: boolean, cause: unknown) {
    super("the shell that starts plugins has ended", { cause });
    this.begun = begun;
  }
}

/**
 * @param path the shell
 * @param env its environment, which plugins inherit
 */
export function startShellLauncher(
  path: string,
  env: Readonly<Record<string, string>>,
): ShellLauncher {
  const shell = spawn(path, ["-s"], {
    env,
    // It leads a process group, to which the plugins belong.
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const streams = [shell.stdin, shell.stdout, shell.stderr] as unknown as Refable[];
  let usable = true;
  let running: RunningPlugin | undefined;
  let runs = 0;
  const secret = randomBytes(12).toString("hex");

  const close = (error?: Error) => {
    usable = false;
    running?.onClose(error);
  };
  shell.on("error", close);
  shell.on("close", () => close());
  shell.stdin.on("error", () => {});
  shell.stdout.on("data", (chunk: Buffer) => running?.onStdout(chunk));
  shell.stderr.on("data", (chunk: Buffer) => running?.onStderr(chunk));

  /** An idle shell must not keep this process alive; its end closes the shell's input. */
  const hold = (held: boolean) => {
    for (const it of [shell, ...streams]) held ? it.ref() : it.unref();
  };
  hold(false);

  return {
    get usable() {
      return usable;
    },
    end: () => {
      usable = false;
      shell.stdin.end();
    },
    run: (run) =>
      new Promise((resolve, reject) => {
        const { signal } = run;
        if (signal.aborted) {
          reject(signal.reason);
          return;
        }
        let failure: unknown;
        const kill = (reason: unknown) => {
          failure ??= reason;
          usable = false;
          killGroup(shell.pid);
        };
        const onAbort = () => kill(signal.reason);
        signal.addEventListener("abort", onAbort, { once: true });
        const settle = () => {
          signal.removeEventListener("abort", onAbort);
          running = undefined;
          hold(false);
        };
        const output = collectOutput(run.path, kill);
        runs += 1;
        const mark = `${secret}-${runs}`;
        const stdout = createMarkedReader(mark, output.addStdout);
        const stderr = createMarkedReader(mark, output.addStderr);
        const finishWhenBothEnded = () => {
          if (
            stdout.trailer === undefined ||
            stderr.trailer === undefined ||
            failure !== undefined
          ) {
            return;
          }
          settle();
          const status = Number(stdout.trailer);
          resolve({ ...exitOf(status), stdout: output.stdout, stderr: output.stderr });
        };
        running = {
          onStdout: (chunk) => {
            stdout.read(chunk);
            finishWhenBothEnded();
          },
          onStderr: (chunk) => {
            stderr.read(chunk);
            finishWhenBothEnded();
          },
          onClose: (error) => {
            settle();
            reject(failure ?? new ShellLostError(stdout.opened, error));
          },
        };
        hold(true);
        shell.stdin.write(scriptOf(run, mark));
      }),
  };
}

interface Refable {
  ref(): unknown;
  unref(): unknown;
}

/** The marks around the output keep apart what belongs to which run. */
function scriptOf({ path, variables, stdin }: PluginRun, mark: string): string {
  const assignments = Object.entries(variables).map(([name, value]) => `${name}=${quote(value)}`);
  return [
    `printf '%s\\n' ${mark}; printf '%s\\n' ${mark} >&2; ` +
      `${assignments.join(" ")} ${quote(path)} <<'${mark}'; ` +
      `printf '%s %d\\n' ${mark} $?; printf '%s -\\n' ${mark} >&2`,
    stdin,
    mark,
    "",
  ].join("\n");
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Shells report a process that a signal ended as 128 and the signal's number. */
function exitOf(status: number): Pick<PluginExit, "exitCode" | "signal"> {
  const names = Object.entries(constants.signals) as [NodeJS.Signals, number][];
  const signal = names.find(([, number]) => number === status - 128)?.[0];
  return signal === undefined ? { exitCode: status, signal: null } : { exitCode: null, signal };
}

/** Hands on what is between the opening and the closing mark, which carries a trailer. */
interface MarkedReader {
  read(chunk: Buffer): void;
  /** Whether the opening mark has been read. */
  readonly opened: boolean;
  /** What followed the closing mark, once it has been read. */
  readonly trailer: string | undefined;
}

function createMarkedReader(mark: string, onData: (chunk: Buffer) => void): MarkedReader {
  const opening = Buffer.from(`${mark}\n`);
  const closing = Buffer.from(`${mark} `);
  let pending = Buffer.alloc(0);
  let opened = false;
  let trailer: string | undefined;
  return {
    get opened() {
      return opened;
    },
    get trailer() {
      return trailer;
    },
    read: (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      if (!opened) {
        const start = pending.indexOf(opening);
        if (start === -1) return;
        opened = true;
        pending = pending.subarray(start + opening.length);
      }
      const end = pending.indexOf(closing);
      if (end === -1) {
        // The mark may have come in part: keep as much back.
        const safe = Math.max(0, pending.length - closing.length);
        onData(pending.subarray(0, safe));
        pending = pending.subarray(safe);
        return;
      }
      const lineEnd = pending.indexOf("\n", end);
      if (lineEnd === -1) return;
      onData(pending.subarray(0, end));
      trailer = pending.subarray(end + closing.length, lineEnd).toString();
      pending = Buffer.alloc(0);
    },
  };
}
