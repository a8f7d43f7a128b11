import { Command } from "commander";
import { CliError } from "./cli-error.js";
import { cliVersion } from "./cli-version.js";
import { commands } from "./commands.js";
import { translateCrictl } from "./crictl-words.js";
import { columnsOf } from "./output/field-rows.js";
import { suggestName } from "./output/suggest-name.js";
import type { Terminal } from "./output/terminal.js";
import type { CommandContext } from "./runtime/command-context.js";
import { addDebugOption, addRuntimeOptions } from "./runtime/runtime-options.js";

/** The script of a shell, and what the script asks at each press of the key. */
const completionCommands = ["completion", "complete"];

/**
 * Adds all commands. One that the arguments do not name is in the overview only, and not loaded:
 * loading takes longer than most answers. So is it where a shell asks what completes a line.
 */
export async function addCommands(
  program: Command,
  args: readonly string[],
  { terminal, setExitCode }: Pick<CommandContext, "terminal" | "setExitCode">,
): Promise<void> {
  const allCommands = (): Promise<Command> => describeProgram(terminal);
  const context = { terminal, setExitCode, allCommands };
  for (const { name, description, load } of commands) {
    const command = program.command(name).description(description);
    if (args.includes(name)) (await load())(command, context);
  }
  if (completionCommands.some((name) => args.includes(name))) await addCompletion(program);
  else program.command("completion").description(completionDescription);
}

const completionDescription = "print a script that completes commands and options in a shell";

/** Both commands, for bash, fish and zsh. */
async function addCompletion(program: Command): Promise<void> {
  const { default: tab } = await import("@bomb.sh/tab/commander");
  tab(program, { completionCommandName: "completion" });
  program.commands
    .find((command) => command.name() === "completion")
    ?.description(completionDescription)
    .addHelpText("after", completionHelp);
}

const completionHelp = `
Examples:
  dockershim completion bash > /etc/bash_completion.d/dockershim
  dockershim completion zsh > "\${fpath[1]}/_dockershim"
  dockershim completion fish > ~/.config/fish/completions/dockershim.fish`;

/**
 * Commander shows the overview for a command that there is not.
 *
 * @throws CliError usage, with the command that may have been meant.
 */
export function refuseUnknownTopic(program: Command, [help, ...words]: readonly string[]): void {
  if (help !== "help") return;
  let command = program;
  for (const word of words.filter((each) => !each.startsWith("-"))) {
    const next = command.commands.find((each) => each.name() === word);
    if (next === undefined && word === "help") return;
    if (next === undefined) {
      const near = suggestName(
        word,
        command.commands.map((each) => each.name()),
      );
      const hint = near ? `did you mean ${near}?` : "dockershim help has all commands";
      throw new CliError("usage", `help: there is no command "${word}"; ${hint}`);
    }
    command = next;
  }
}

/**
 * The command itself, with its own options and no other commands yet.
 *
 * @param args What it is to be run with.
 */
export function createProgram(terminal: Terminal, args: readonly string[] = []): Command {
  const asked = args.find((word) => commands.some(({ name }) => name === word));
  const program = new Command("dockershim")
    .description("Kubernetes' Container Runtime Interface on top of Docker.")
    .version(cliVersion, "-V, --version", "print the version of this command")
    .helpOption("-h, --help", "show how to use a command")
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
      getOutHelpWidth: () => columnsOf(terminal),
      outputError: (text, write) => {
        const line = text
          .replace(/^error: /, "")
          .trimEnd()
          .replaceAll("\n", " ");
        write(`dockershim: ${translateCrictl(line, asked)}\n`);
      },
    })
    .configureHelp({ sortOptions: false, minWidthToWrap: 20 })
    .addHelpText(
      "after",
      `
Examples:
  dockershim serve                        run the daemon
  dockershim info                         is the runtime ready, and its network?
  dockershim pods --namespace default     which pods are there?
  dockershim ps -a                        which containers, ended ones too?
  dockershim describe web/nginx           what became of nginx of pod web?
  dockershim logs --tail 20 -f web/nginx  follow the log of nginx of pod web
  dockershim exec 3f2a cat /etc/hosts     run a command in the container 3f2a…
  dockershim -r unix:///run/containerd/containerd.sock ps   ask another runtime

Exit codes:
  0 success, 1 failure, 2 wrong usage. exec has the command's own exit code,
  124 when the command took too long, and 125 when it could not be run.`,
    );
  return addDebugOption(addRuntimeOptions(program));
}

/** The whole tree of commands, with options and texts, for man pages and completions. */
export async function describeProgram(terminal: Terminal): Promise<Command> {
  const program = createProgram(terminal);
  const all = [...commands.map(({ name }) => name), ...completionCommands];
  await addCommands(program, all, { terminal, setExitCode: () => undefined });
  return program;
}
