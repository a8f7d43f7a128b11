import { showElapsed } from "../output/elapsed-line.js";
import { addOutputOption, type OutputFormat, printObject } from "../output/output-format.js";
import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption } from "../runtime/runtime-options.js";
import { addNodeOptions, type NodeOptions } from "../serve/node-options.js";

interface DfOptions extends NodeOptions {
  readonly output: OutputFormat;
}

/** `dockershim df` */
export const defineDf: DefineCommand = (command, { terminal }) => {
  addDebugOption(addOutputOption(addNodeOptions(command)));
  command.addHelpText(
    "after",
    `
Images are active that a container is made of, containers that run, logs of pods
that the runtime or the kubelet has. Not all that could be reclaimed is to be
reclaimed: dockershim gc shows what nobody knows.`,
  );
  command.action(async (options: DfOptions) => {
    const { openNode } = await import("../node/open-node.js");
    const { readUsage } = await import("./read-usage.js");
    const { describeUsage, sumUsage } = await import("./usage-rows.js");
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
