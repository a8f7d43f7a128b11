import type { Command } from "commander";
import type { Terminal } from "../output/terminal.js";

/** What a command works with. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** What the command exits with, unless it fails. */
  setExitCode(code: number): void;
  /** The whole tree of commands, all of them loaded. */
  allCommands(): Promise<Command>;
}

/** Gives a command its arguments, options and action. */
export type DefineCommand = (command: Command, context: CommandContext) => void;
