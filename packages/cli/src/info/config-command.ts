import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption } from "../runtime/runtime-options.js";
import { defaultConfigFile } from "../serve/config-file.js";
import { gatherOptions } from "../serve/daemon-options.js";
import { addServeOptions } from "../serve/serve-options.js";

/** `dockershim config` */
export const defineConfig: DefineCommand = (command, { terminal }) => {
  command
    .command("default")
    .description("print a configuration file with every option, its meaning and its default")
    .action(async () => {
      const { defaultConfigText } = await import("../serve/default-config.js");
      terminal.stdout.write(defaultConfigText());
    });
  const validate = command
    .command("validate")
    .description("check a configuration file, and flags, as `serve` does when it starts")
    .option("--config <file>", "YAML or JSON file", defaultConfigFile);
  addServeOptions(validate);
  addDebugOption(validate);
  validate.addHelpText(
    "after",
    `
It looks at the form of each option, and at nothing on the node.

Exit codes: 0 when \`serve\` would start with them, 2 when something is wrong;
stderr then has a line for each.`,
  );
  validate.action(async (flags: Record<string, unknown> & { config: string }) => {
    await gatherOptions(flags, flags.config);
    terminal.stdout.write(`${flags.config} is valid\n`);
  });
};
