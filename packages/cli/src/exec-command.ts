import { once } from "node:events";
import type { Writable } from "node:stream";
import { type CriClient, CriClientError } from "@dockershim/cri-client";
import { type Command, Option } from "commander";
import { exitCodes } from "./cli-error.js";
import { parseDuration } from "./duration.js";
import { runExecSession } from "./exec-session.js";
import { findContainer } from "./find-container.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "./runtime-options.js";
import type { Terminal } from "./terminal.js";

interface ExecOptions {
  commandTimeout?: number;
  stdin?: boolean;
  tty?: boolean;
}

/** `dockershim exec`; resolves to the command's exit code through `setExitCode`. */
export function addExecCommand(
  program: Command,
  terminal: Terminal,
  setExitCode: (code: number) => void,
): void {
  const command = program
    .command("exec")
    .description(
      "run a command in a container; without -i or -t its output comes when it has ended",
    )
    .argument("<container>", "id, beginning of it, name, pod/name or namespace/pod/name")
    .argument("<command...>", "the command with its arguments; options after it are its own")
    .option("-i, --stdin", "pass this command's input on, and output as it comes")
    .option("-t, --tty", "give the command a terminal, and output as it comes")
    .addOption(
      new Option("--command-timeout <duration>", "kill the command after this long")
        .conflicts(["stdin", "tty"])
        .argParser((text: string) => parseDuration(text, "--command-timeout")),
    )
    .passThroughOptions();
  addDebugOption(addRuntimeOptions(command, "--timeout <duration>"));
  command.action((reference: string, words: string[], options: ExecOptions) =>
    withRuntime(command, terminal, async (client) => {
      // People who know kubectl set the command apart with "--".
      const cmd = words[0] === "--" ? words.slice(1) : words;
      const { id } = await findContainer(client, reference);
      if (options.stdin === true || options.tty === true) {
        setExitCode(await interactive(client, id, cmd, options, terminal));
        return;
      }
      // CRI counts whole seconds, and 0 means no timeout.
      const timeout = BigInt(Math.ceil((options.commandTimeout ?? 0) / 1_000));
      const reply = await client.runtime.execSync({ containerId: id, cmd, timeout });
      await write(terminal.stdout, reply.stdout);
      await write(terminal.stderr, reply.stderr);
      setExitCode(asExitCode(reply.exitCode));
    }),
  );
}

async function interactive(
  client: CriClient,
  containerId: string,
  cmd: string[],
  { stdin = false, tty = false }: ExecOptions,
  terminal: Terminal,
): Promise<number> {
  const { url } = await client.runtime.exec({
    containerId,
    cmd,
    stdin,
    tty,
    stdout: true,
    stderr: !tty,
  });
  return await runExecSession(url, {
    stdin: stdin ? (terminal.stdin ?? process.stdin) : undefined,
    stdout: terminal.stdout,
    stderr: terminal.stderr,
    tty,
  });
}

/** The exit code when exec itself failed, told apart from any that a command is likely to use. */
export function execFailureCode(error: unknown): number {
  const timedOut = error instanceof CriClientError && error.code === "DEADLINE_EXCEEDED";
  return timedOut ? exitCodes.timeout : exitCodes.notRun;
}

/** A process can exit with 0 to 255; whatever else a runtime reports must not become success. */
function asExitCode(code: number): number {
  return code >= 0 && code <= 255 ? code : 255;
}

async function write(stream: Writable, bytes: Uint8Array): Promise<void> {
  if (bytes.length > 0 && !stream.write(bytes)) await once(stream, "drain");
}
