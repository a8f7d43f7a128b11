import { Option } from "commander";
import type { DefineCommand } from "./command-context.js";
import { defaultConfigFile } from "./config-file.js";
import { showElapsed } from "./elapsed-line.js";
import { addOutputOption, type OutputFormat, printObject } from "./output-format.js";
import { addDebugOption } from "./runtime-options.js";

interface DfOptions {
  readonly runtimeEndpoint?: string;
  readonly config?: string;
  readonly output: OutputFormat;
  readonly root: string;
}

/** `dockershim df` */
export const defineDf: DefineCommand = (command, { terminal }) => {
  command
    .option("-r, --runtime-endpoint <endpoint>", "CRI socket (default: the daemon's own)")
    .option("--config <file>", `the daemon's (default: ${defaultConfigFile} where it is there)`)
    .addOption(
      new Option("--root <folder>", "the node's files are below it").default("").hideHelp(),
    );
  addDebugOption(addOutputOption(command));
  command.addHelpText(
    "after",
    `
Images are active that a container is made of, containers that run, logs of pods
that the runtime or the kubelet has. Not all that could be reclaimed is to be
reclaimed: dockershim gc shows what nobody knows.`,
  );
  command.action(async (options: DfOptions) => {
    const { openNode } = await import("./node-remains/open-node.js");
    const { readUsage } = await import("./disk-usage/read-usage.js");
    const { describeUsage, sumUsage } = await import("./disk-usage/usage-rows.js");
    const node = await openNode({
      root: options.root,
      path: terminal.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin",
      configFile: options.config,
      // Given before the command's name, too, as with the others.
      endpoint: command.optsWithGlobals<DfOptions>().runtimeEndpoint,
    });
    try {
      const { facts, disks } = await showElapsed(terminal, "measuring", () => readUsage(node));
      if (options.output === "table") {
        terminal.stdout.write(describeUsage(facts, disks));
      } else {
        const notKnown = facts.flatMap(({ kind, skipped: reason }) =>
          reason === undefined ? [] : [{ kind, reason }],
        );
        const usage = { usage: sumUsage(facts), fileSystems: disks, notKnown };
        await printObject(usage, options.output, terminal);
      }
    } finally {
      await node.close();
    }
  });
};
