import { execFile } from "node:child_process";
import { realpathSync } from "node:fs";
import { isSea } from "node:sea";
import { promisify } from "node:util";
import type { Command } from "commander";
import { CliError, exitCodes } from "../cli-error.js";
import { cliVersion } from "../cli-version.js";
import { createSystemctl } from "../machine/systemctl.js";
import { manualPages } from "../manual-pages.js";
import { createPerformer } from "../migrate/migration-actions.js";
import type { MigrationJournal } from "../migrate/migration-journal.js";
import { runMigration } from "../migrate/migration-run.js";
import { describeAction } from "../migrate/migration-step.js";
import type { CommandContext } from "../runtime/command-context.js";
import { defaultConfigText } from "../serve/default-config.js";
import { type InstalledFile, marked, planInstallation, planRemoval } from "./installation.js";
import {
  defaultsText,
  installedConfigText,
  type ServiceNames,
  serviceUnit,
  socketUnit,
} from "./service-units.js";
import { planSpecHookEntry, planSpecHookRemoval } from "./spec-hook-entry.js";

/** What `dockershim install` and `uninstall` were told. */
export interface InstallNodeOptions {
  /** Show it, instead of doing it. */
  readonly dryRun: boolean;
  /** The node's files are below it; empty for the node itself. */
  readonly root: string;
  /** Only Docker's entry for the spec hook. */
  readonly specHook: boolean;
}

const config = "/etc/dockershim/config.yaml";

/**
 * Sets this command up as the node's daemon, or removes what an earlier time has set up. When a step fails, or the
 * signal fires, all that was done is taken back.
 *
 * @throws CliError failure when this is no place that a service could be run from, or systemd is missing.
 */
export async function installNode(
  verb: "install" | "uninstall",
  { dryRun, root, specHook }: InstallNodeOptions,
  { terminal, setExitCode, allCommands }: CommandContext,
  signal: AbortSignal,
): Promise<void> {
  if (!dryRun && root === "" && process.getuid?.() !== 0) {
    throw new CliError(
      "failure",
      `${verb} writes into /etc, and needs root: sudo dockershim ${verb}`,
    );
  }
  const systemctl = createSystemctl(terminal.env.PATH);
  const { steps, problems, left } = specHook
    ? await (verb === "install" ? planSpecHookEntry : planSpecHookRemoval)({ root, systemctl })
    : await (verb === "install" ? planInstallation : planRemoval)(
        await installedFiles(ownCommand(), await allCommands()),
        { root, systemctl },
      );
  const tell = (line: string): void => void terminal.stdout.write(`${line}\n`);
  for (const problem of problems) terminal.stderr.write(`dockershim: ${problem}\n`);
  if (problems.length > 0) return setExitCode(exitCodes.failure);
  if (steps.length === 0) tell("Nothing is left to do.");
  if (dryRun) {
    for (const { title, actions } of steps) {
      tell(title);
      for (const action of actions) tell(`      ${describeAction(action)[0]}`);
    }
  } else if (steps.length > 0) {
    const order = { direction: "forward", steps, begun: 0, finished: {} } as const;
    // What was done is taken back from memory: to be done once more, it needs no look back.
    const journal: MigrationJournal = { file: "", read: async () => ({}), write: async () => {} };
    const perform = createPerformer({ root, systemctl, readyMs: 0 });
    const done = await runMigration(order, { journal, perform, tell }, signal);
    if (!done) return setExitCode(exitCodes.failure);
  }
  for (const each of left) tell(`Left as it is: ${each}`);
}

/** How a service runs this very command. */
function ownCommand(): readonly string[] {
  if (isSea()) return [realpathSync(process.execPath)];
  const program = realpathSync(process.argv[1] ?? "");
  if (program.includes("/_npx/")) {
    throw new CliError(
      "failure",
      "npx keeps this command for a while only: npm install --global @dockershim/cli first",
    );
  }
  return [realpathSync(process.execPath), program];
}

/** A word of a unit's command line: systemd.service(5), "Command lines". */
function unitWord(word: string): string {
  const escaped = word.replaceAll("%", "%%").replaceAll("$", "$$$$");
  return /[\s"'\\;]/.test(escaped) ? `"${escaped.replace(/["\\]/g, "\\$&")}"` : escaped;
}

async function installedFiles(
  command: readonly string[],
  program: Command,
): Promise<InstalledFile[]> {
  const serve = `serve --listen fd:// --config ${config} $DOCKERSHIM_OPTS`;
  const names: ServiceNames = {
    unit: "dockershim",
    command: [...command.map(unitWord), serve].join(" "),
    socket: "/run/dockershim/dockershim.sock",
    socketMode: "0600",
    defaults: "dockershim",
    hasCompileCache: !isSea(),
  };
  const pages = manualPages(program, `version ${cliVersion}`);
  return [
    { file: "/etc/systemd/system/dockershim.service", text: marked(serviceUnit(names)) },
    { file: "/etc/systemd/system/dockershim.socket", text: marked(socketUnit(names)) },
    { file: "/etc/default/dockershim", text: defaultsText, isConfiguration: true },
    { file: config, text: installedConfigText(defaultConfigText()), isConfiguration: true },
    ...(await Promise.all(
      Object.entries(completionFiles).map(async ([shell, file]) => ({
        file,
        text: marked(await completion(command, shell)),
      })),
    )),
    ...pages.map(({ file, text }) => ({
      file: `/usr/local/share/man/man8/${file}`,
      text: marked(text, '.\\"'),
    })),
  ];
}

const completionFiles = {
  bash: "/usr/local/share/bash-completion/completions/dockershim",
  zsh: "/usr/local/share/zsh/site-functions/_dockershim",
  fish: "/usr/local/share/fish/vendor_completions.d/dockershim.fish",
};

/** What `dockershim completion` prints, which goes straight to the output of a process. */
async function completion([program = "", ...args]: readonly string[], shell: string) {
  const { stdout } = await promisify(execFile)(program, [...args, "completion", shell]);
  return stdout;
}
