import { Option } from "commander";
import { CliError, exitCodes } from "../cli-error.js";
import { watchForEnd } from "../machine/watch-for-end.js";
import { showElapsed } from "../output/elapsed-line.js";
import { columnsOf } from "../output/field-rows.js";
import { addOutputOption, type OutputFormat, printObject } from "../output/output-format.js";
import { hasColour } from "../output/terminal.js";
import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption } from "../runtime/runtime-options.js";
import { defaultConfigFile } from "../serve/config-file.js";
import { addServeOptions } from "../serve/serve-options.js";

interface CheckOptions extends Record<string, unknown> {
  readonly output: OutputFormat;
  readonly config?: string;
  readonly kubeletConfig?: string;
  readonly runtimeEndpoint?: string;
  readonly deep?: boolean;
  readonly strict?: boolean;
  readonly quiet?: boolean;
  readonly only?: string[];
  readonly root: string;
}

/** `dockershim check` */
export const defineCheck: DefineCommand = (command, { terminal, setExitCode }) => {
  command
    .option("--deep", "run the CNI plugins for real, in a network namespace of their own")
    .option("--strict", "exit with 1 for warnings too")
    .option("-q, --quiet", "print only what warns or fails")
    .option("--only <check...>", "print these checks only, by their names")
    .option("-r, --runtime-endpoint <endpoint>", "CRI socket (default: the daemon's own)")
    .option(
      "--kubelet-config <file>",
      "the kubelet's (default: the one that it was told, or kubeadm's)",
    )
    .option("--config <file>", `the daemon's (default: ${defaultConfigFile} where it is there)`)
    .addOption(
      new Option("--root <folder>", "the node's files are below it").default("").hideHelp(),
    );
  addOutputOption(command);
  addServeOptions(command);
  addDebugOption(command);
  command.addHelpText(
    "after",
    `
Before the daemon runs it judges the options that it would start with; while it
runs, those that it has. With -r it looks at a node with another runtime, and
skips what is about Docker.

Examples:
  dockershim check              is this node fit, and what stands against it?
  dockershim check --deep       … and do its CNI plugins work?
  dockershim check -o json      for a program

Exit codes: 0 when no check fails, 1 when one does, or with --strict warns.`,
  );
  command.action(async (options: CheckOptions) => {
    const { gatherChecks } = await import("./gather-checks.js");
    const { checkNames, judgeNode } = await import("./all-checks.js");
    const { countVerdicts, describeChecks } = await import("./check-report.js");
    const { only, root } = options;
    const unknown = only?.find((name) => !checkNames.includes(name));
    if (unknown !== undefined) {
      throw new CliError(
        "usage",
        `--only: there is no check "${unknown}"; there are ${checkNames.join(", ")}`,
      );
    }
    // Given before the command's name, too, as with the others.
    const { runtimeEndpoint } = command.optsWithGlobals<CheckOptions>();
    const places = {
      flags: options,
      configFile: options.config,
      kubeletConfig: options.kubeletConfig,
      endpoint: runtimeEndpoint,
      root,
      procDir: `${root}/proc`,
      path: terminal.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin",
      now: terminal.now,
    };
    const look = (deep: AbortSignal | undefined) =>
      showElapsed(terminal, "looking at the node", () => gatherChecks({ ...places, deep }));
    const facts = options.deep === true ? await watchForEnd(terminal, look) : await look(undefined);
    const results = judgeNode(facts).filter(
      ({ name }) => only === undefined || only.includes(name),
    );
    const counts = countVerdicts(results);
    const shown = results.filter(
      ({ verdict }) => options.quiet !== true || verdict === "warn" || verdict === "fail",
    );
    if (options.output === "table") {
      const form = { width: columnsOf(terminal), colour: hasColour(terminal) };
      terminal.stdout.write(describeChecks(shown, counts, form));
    } else {
      await printObject({ checks: shown, counts }, options.output, terminal);
    }
    const isBad = counts.fail > 0 || (options.strict === true && counts.warn > 0);
    if (isBad) setExitCode(exitCodes.failure);
  });
};
