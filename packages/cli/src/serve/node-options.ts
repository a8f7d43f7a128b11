import { type Command, Option } from "commander";
import { defaultConfigFile } from "./config-file.js";

/** How a person says which daemon's node is meant. */
export interface NodeOptions {
  readonly runtimeEndpoint?: string;
  readonly config?: string;
  readonly root: string;
}

/** Adds the options of commands that look at a node beside asking its runtime. */
export function addNodeOptions(command: Command): Command {
  return command
    .option("-r, --runtime-endpoint <endpoint>", "CRI socket (default: the daemon's own)")
    .option("--config <file>", `the daemon's (default: ${defaultConfigFile} where it is there)`)
    .addOption(
      new Option("--root <folder>", "the node's files are below it").default("").hideHelp(),
    );
}
