import { type Command, CommanderError } from "commander";
import { CliError, exitCodes, messageOf } from "./cli-error.js";
import type { Terminal } from "./output/terminal.js";
import { addCommands, createProgram, refuseUnknownTopic } from "./program.js";

/**
 * Runs `dockershim` with these arguments and returns its exit code. Errors are printed,
 * never thrown: one line each, with the stack only after `--debug`.
 */
export async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode: number = exitCodes.ok;
  const program = createProgram(terminal, args);
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
    refuseUnknownTopic(program, args);
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

function printError(error: unknown, debug: boolean, terminal: Terminal): void {
  if (debug && error instanceof Error) {
    terminal.stderr.write(`dockershim: ${withCauses(error)}\n`);
    return;
  }
  const message = messageOf(error);
  for (const line of error instanceof CliError ? error.lines : [message]) {
    terminal.stderr.write(`dockershim: ${line.trim().replace(/\s*\n\s*/g, " ")}\n`);
  }
}

function withCauses(error: Error): string {
  const cause = error.cause instanceof Error ? `\nCaused by: ${withCauses(error.cause)}` : "";
  return `${error.stack ?? error.message}${cause}`;
}
