import { once } from "node:events";
import type { Writable } from "node:stream";
import { CriClientError } from "@dockershim/cri-client";
import { type Command, Option } from "commander";
import { exitCodes } from "./cli-error.js";
import { parseDuration } from "./duration.js";
import { findContainer } from "./find-container.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "./runtime-options.js";
import type { Terminal } from "./terminal.js";

/** `dockershim exec`; resolves to the command's exit code through `setExitCode`. */
export function addExecCommand(
  program: Command,
  terminal: Terminal,
  setExitCode: (code: number) => void,
): void {
  const command = program
    .command("exec")
    .description("run a command in a container and print its output when it has ended")
    .argument("<container>", "id, beginning of it, name, pod/name or namespace/pod/name")
    .argument("<command...>", "the command with its arguments; options after it are its own")
    .addOption(
      new Option("--command-timeout <duration>", "kill the command after this long").argParser(
        (text: string) => parseDuration(text, "--command-timeout"),
      ),
    )
    .passThroughOptions();
  addDebugOption(addRuntimeOptions(command));
  command.action((reference: string, words: string[], options: { commandTimeout?: number }) =>
    withRuntime(command, terminal, async (client) => {
      // People who know kubectl set the command apart with "--".
      const cmd = words[0] === "--" ? words.slice(1) : words;
      const { id } = await findContainer(client, reference);
      // CRI counts whole seconds, and 0 means no timeout.
      const timeout = BigInt(Math.ceil((options.commandTimeout ?? 0) / 1_000));
      const reply = await client.runtime.execSync({ containerId: id, cmd, timeout });
      await write(terminal.stdout, reply.stdout);
      await write(terminal.stderr, reply.stderr);
      setExitCode(asExitCode(reply.exitCode));
    }),
  );
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
