import { Command } from "commander";
import { cliVersion } from "./cli-version.js";
import type { CommandContext } from "./command-context.js";
import { commands } from "./commands.js";
import { addDebugOption, addRuntimeOptions } from "./runtime-options.js";
import type { Terminal } from "./terminal.js";

/** The script of a shell, and what the script asks at each press of the key. */
const completionCommands = ["completion", "complete"];

/**
 * Adds all commands. One that the arguments do not name is in the overview only, and not loaded:
 * loading takes longer than most answers. Completion is about all of them.
 */
export async function addCommands(
  program: Command,
  args: readonly string[],
  context: CommandContext,
): Promise<void> {
  const completes = completionCommands.some((name) => args.includes(name));
  for (const { name, description, load } of commands) {
    const command = program.command(name).description(description);
    if (completes || args.includes(name)) (await load())(command, context);
  }
  if (completes) await addCompletion(program);
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

/** The command itself, with its own options and no other commands yet. */
export function createProgram(terminal: Terminal): Command {
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
  dockershim describe web/nginx           what became of container nginx of pod web?
  dockershim logs --tail 20 -f web/nginx  follow the log of container nginx of pod web
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
  await addCommands(program, completionCommands, { terminal, setExitCode: () => undefined });
  return program;
}
