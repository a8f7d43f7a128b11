import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { type CriClient, CriClientError } from "@dockershim/cri-client";
import { Option } from "commander";
import { CliError, exitCodes, messageOf } from "../cli-error.js";
import { findContainer } from "../objects/find-container.js";
import { parseDuration } from "../output/duration.js";
import { isTerminal, type Terminal } from "../output/terminal.js";
import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "../runtime/runtime-options.js";

interface ExecOptions {
  commandTimeout?: number;
  stdin?: boolean;
  tty?: boolean;
}

/** `dockershim exec`; it exits as the command in the container does. */
export const defineExec: DefineCommand = (command, { terminal, setExitCode }) => {
  command
    .argument(
      "<container>",
      "id, beginning of it, name, pod/name or namespace/pod/name; or a pod with one container",
    )
    .argument("<command...>", "the command with its arguments; options after it are its own")
    .option("-i, --stdin", "pass this command's input on")
    .option("-t, --tty", "give the command a terminal")
    .addOption(
      new Option(
        "--command-timeout <duration>",
        "let the runtime kill the command after this long (whole seconds); " +
          "its output comes at the end, and no more than 16 MiB",
      )
        .conflicts(["stdin", "tty"])
        .argParser((text: string) => parseDuration(text, "--command-timeout")),
    )
    .passThroughOptions();
  addDebugOption(addRuntimeOptions(command, "--timeout <duration>"));
  command.action(async (reference: string, words: string[], options: ExecOptions) => {
    const stdin = terminal.stdin ?? process.stdin;
    if (options.tty && options.stdin && !isTerminal(stdin)) {
      throw new CliError(
        "usage",
        "exec: -t gives the command a terminal, but this command's own input is none: " +
          "leave out -t, or -i",
      );
    }
    // People who know kubectl set the command apart with "--".
    const cmd = words[0] === "--" ? words.slice(1) : words;
    try {
      const code = await withRuntime(command, terminal, async (client) => {
        const { id } = await findContainer(client, reference);
        return options.commandTimeout === undefined
          ? await stream(client, id, cmd, options, stdin, terminal)
          : await runInTime(client, id, cmd, options.commandTimeout, terminal);
      });
      setExitCode(asExitCode(code));
    } catch (error) {
      throw asExecFailure(error);
    }
  });
};

/** Output comes as the command writes it, and as much as it writes. */
async function stream(
  client: CriClient,
  containerId: string,
  cmd: string[],
  { stdin: interactive = false, tty = false }: ExecOptions,
  stdin: Readable,
  { stdout, stderr }: Terminal,
): Promise<number> {
  const { url } = await client.runtime.exec({
    containerId,
    cmd,
    stdin: interactive,
    tty,
    stdout: true,
    stderr: !tty,
  });
  const { runExecSession } = await import("./exec-session.js");
  const input = interactive ? stdin : undefined;
  return await runExecSession(url, { stdin: input, stdout, stderr, tty });
}

/** Only ExecSync has a timeout that the runtime itself sees to. */
async function runInTime(
  client: CriClient,
  containerId: string,
  cmd: string[],
  timeoutMs: number,
  { stdout, stderr }: Terminal,
): Promise<number> {
  // CRI counts whole seconds, and 0 means no timeout.
  const timeout = BigInt(Math.ceil(timeoutMs / 1_000));
  const reply = await client.runtime.execSync({ containerId, cmd, timeout });
  await write(stdout, reply.stdout);
  await write(stderr, reply.stderr);
  return reply.exitCode;
}

/** The failure of exec itself, with an exit code that a command is not likely to use. */
function asExecFailure(error: unknown): CliError {
  const timedOut = error instanceof CriClientError && error.code === "DEADLINE_EXCEEDED";
  const message = messageOf(error);
  return new CliError("failure", message, {
    cause: error,
    exitCode: timedOut ? exitCodes.timeout : exitCodes.notRun,
  });
}

/** A process can exit with 0 to 255; whatever else a runtime reports must not become success. */
function asExitCode(code: number): number {
  return code >= 0 && code <= 255 ? code : 255;
}

async function write(stream: Writable, bytes: Uint8Array): Promise<void> {
  if (bytes.length > 0 && !stream.write(bytes)) await once(stream, "drain");
}
