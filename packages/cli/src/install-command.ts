import { Option } from "commander";
import type { DefineCommand } from "./command-context.js";

/** `dockershim install` */
export const defineInstall: DefineCommand = define("install");

/** `dockershim uninstall` */
export const defineUninstall: DefineCommand = define("uninstall");

function define(verb: "install" | "uninstall"): DefineCommand {
  return (command, context) => {
    command
      .option("--dry-run", "show it, instead of doing it")
      .option("--debug", "print the stack trace of an error")
      .addOption(
        new Option("--root <folder>", "the node's files are below it").default("").hideHelp(),
      )
      .addHelpText("after", help[verb]);
    command.action(async ({ dryRun = false, root }: { dryRun?: boolean; root: string }) => {
      const { installNode } = await import("./install-node.js");
      const { watchForEnd } = await import("./watch-for-end.js");
      await watchForEnd(context.terminal, (signal) =>
        installNode(verb, { dryRun, root }, context, signal),
      );
    });
  };
}

const help = {
  install: `
For a command that npm, or nobody, has installed: writes systemd's units,
/etc/dockershim/config.yaml, the manual and completions, and starts the daemon.
A second time it changes what a newer version has differently. Where a package
of the distribution is installed it does nothing.

Examples:
  sudo npm install --global @dockershim/cli && sudo dockershim install
  sudo dockershim install --dry-run      what would be done?`,
  uninstall: `
Ends the daemon, and removes what \`dockershim install\` has written. Pods run on.
A configuration that was changed stays, and so does /var/lib/dockershim.`,
};
