import { Option } from "commander";
import type { DefineCommand } from "../runtime/command-context.js";

/** `dockershim install` */
export const defineInstall: DefineCommand = define("install");

/** `dockershim uninstall` */
export const defineUninstall: DefineCommand = define("uninstall");

function define(verb: "install" | "uninstall"): DefineCommand {
  return (command, context) => {
    command
      .option("--dry-run", "show it, instead of doing it")
      .option("--spec-hook", specHookHelp[verb])
      .option("--debug", "print the stack trace of an error")
      .addOption(
        new Option("--root <folder>", "the node's files are below it").default("").hideHelp(),
      )
      .addHelpText("after", help[verb]);
    type Flags = { dryRun?: boolean; specHook?: boolean; root: string };
    command.action(async ({ dryRun = false, specHook = false, root }: Flags) => {
      const { installNode } = await import("./install-node.js");
      const { watchForEnd } = await import("../machine/watch-for-end.js");
      await watchForEnd(context.terminal, (signal) =>
        installNode(verb, { dryRun, specHook, root }, context, signal),
      );
    });
  };
}

const specHookHelp = {
  install: "only let Docker know the spec hook, in its daemon.json",
  uninstall: "only let Docker forget the spec hook, and remove its program",
};

const help = {
  install: `
For a command that npm, or nobody, has installed: writes systemd's units,
/etc/dockershim/config.yaml, the manual and completions, and starts the daemon.
A second time it changes what a newer version has differently. Where a package
of the distribution is installed it does nothing, but for --spec-hook: with
systemd's cgroup driver, and on Docker 20.10, user namespaces and options of
mounts need a runtime in /etc/docker/daemon.json. Where no package has put its
program into /usr/bin, it is put into /usr/local/bin.

Examples:
  sudo npm install --global @dockershim/cli && sudo dockershim install
  sudo dockershim install --dry-run      what would be done?`,
  uninstall: `
Ends the daemon, and removes what \`dockershim install\` has written. Pods run on.
A configuration that was changed stays, and so does /var/lib/dockershim.
Containers that were made by the spec hook cannot be started without it.`,
};
