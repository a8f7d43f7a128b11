import { Command, CommanderError } from "commander";
import { CliError, exitCodes } from "./cli-error.js";
import { cliVersion } from "./cli-version.js";
import type { CommandContext } from "./command-context.js";
import { commands } from "./commands.js";
import { addDebugOption, addRuntimeOptions } from "./runtime-options.js";
import type { Terminal } from "./terminal.js";

/**
 * Runs `dockershim` with these arguments and returns its exit code. Errors are printed,
 * never thrown: one line each, with the stack only after `--debug`.
 */
export async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode: number = exitCodes.ok;
  const program = createProgram(terminal);
  await addCommands(program, args, {
    terminal,
    setExitCode: (code) => {
      exitCode = code;
    },
  });
  let running: Command = program;
  program.hook("preAction", (_program, command) => {
    running = command;
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    // Commander has printed its message, or the help that was asked for, itself.
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    }
    printError(error, running.optsWithGlobals().debug === true, terminal);
    return error instanceof CliError ? error.exitCode : exitCodes.failure;
  }
}

/** A command that the arguments do not name is in the overview only, and not loaded. */
async function addCommands(
  program: Command,
  args: readonly string[],
  context: CommandContext,
): Promise<void> {
  for (const { name, description, load } of commands) {
    const command = program.command(name).description(description);
    if (args.includes(name)) (await load())(command, context);
  }
}

function createProgram(terminal: Terminal): Command {
  const program = new Command("dockershim")
    .description("Kubernetes' Container Runtime Interface on top of Docker.")
    .version(cliVersion, "-V, --version", "print the version of this command")
    .helpOption("-h, --help", "show how to use a command")
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
      outputError: (text, write) => {
        write(
          `dockershim: ${text
            .replace(/^error: /, "")
            .trimEnd()
            .replaceAll("\n", " ")}\n`,
        );
      },
    })
    .configureHelp({ sortOptions: false })
    .addHelpText(
      "after",
      `
Examples:
  dockershim serve                        run the daemon
  dockershim info                         is the runtime ready, and its network?
  dockershim pods --namespace default     which pods are there?
  dockershim ps -a                        which containers, ended ones too?
  dockershim logs --tail 20 -f web/nginx  follow the log of container nginx of pod web
  dockershim exec 3f2a cat /etc/hosts     run a command in the container 3f2a…
  dockershim -r unix:///run/containerd/containerd.sock ps   ask another runtime

Exit codes:
  0 success, 1 failure, 2 wrong usage. exec has the command's own exit code,
  124 when the command took too long, and 125 when it could not be run.`,
    );
  return addDebugOption(addRuntimeOptions(program));
}

function printError(error: unknown, debug: boolean, terminal: Terminal): void {
  if (debug && error instanceof Error) {
    terminal.stderr.write(`dockershim: ${withCauses(error)}\n`);
    return;
  }
  const message = error instanceof Error ? error.message : String(error);
  for (const line of error instanceof CliError ? error.lines : [message]) {
    terminal.stderr.write(`dockershim: ${line.trim().replace(/\s*\n\s*/g, " ")}\n`);
  }
}

function withCauses(error: Error): string {
  const cause = error.cause instanceof Error ? `\nCaused by: ${withCauses(error.cause)}` : "";
  return `${error.stack ?? error.message}${cause}`;
}
