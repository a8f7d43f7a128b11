import { Option } from "commander";
import { exitCodes } from "../cli-error.js";
import type { OpenNode } from "../node/open-node.js";
import { formatBytes } from "../output/byte-size.js";
import { parseDuration } from "../output/duration.js";
import { showElapsed } from "../output/elapsed-line.js";
import { addOutputOption, type OutputFormat, printObject } from "../output/output-format.js";
import type { Terminal } from "../output/terminal.js";
import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption } from "../runtime/runtime-options.js";
import { addNodeOptions, type NodeOptions } from "../serve/node-options.js";
import type { FoundRemains, RemovalOutcome } from "./find-remains.js";
import { type Remain, type RemainKindName, remainKinds, usualMinAgeMs } from "./remain.js";

interface GcOptions extends NodeOptions {
  readonly yes?: boolean;
  readonly only?: RemainKindName[];
  /** In ms. */
  readonly minAge: number;
  readonly output: OutputFormat;
}

/** `dockershim gc` */
export const defineGc: DefineCommand = (command, { terminal, setExitCode }) => {
  command
    .option("--yes", "remove it, instead of showing it")
    .addOption(new Option("--only <kind...>", "these kinds only").choices(remainKinds))
    .addOption(
      new Option("--min-age <duration>", "leave what is younger alone")
        .argParser((text: string) => parseDuration(text, "--min-age"))
        .default(usualMinAgeMs, "1h"),
    );
  addDebugOption(addOutputOption(addNodeOptions(command)));
  command.addHelpText(
    "after",
    `
Without --yes nothing is removed. Each thing is looked at again just before it
goes. Images, mounts and the cache of builds may be wanted by others than the
kubelet: they go only when --only names them.

Examples:
  dockershim gc                      what is left that nobody knows?
  dockershim gc --yes                remove it
  dockershim gc --only images --yes  remove images that no container uses

Exit codes: 0, or 1 when something could not be removed.`,
  );
  command.action(async (options: GcOptions) => {
    const { openNode } = await import("../node/open-node.js");
    const { findRemains } = await import("./find-remains.js");
    const { only, root, output } = options;
    const olderThan = terminal.now() - options.minAge;
    const node = await openNode({
      root,
      path: terminal.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin",
      configFile: options.config,
      // Given before the command's name, too, as with the others.
      endpoint: command.optsWithGlobals<GcOptions>().runtimeEndpoint,
    });
    try {
      const found = await showElapsed(terminal, "looking at the node", () =>
        findRemains(node, only ?? remainKinds, olderThan),
      );
      if (options.yes === true) {
        const meant = found.filter(({ kind }) => !kind.shared || only !== undefined);
        const failed = await removeAll(node, meant, { olderThan, output, terminal });
        if (failed) setExitCode(exitCodes.failure);
      } else if (output === "table") {
        const { describeRemains } = await import("./remains-report.js");
        terminal.stdout.write(describeRemains(found, terminal.now(), only));
      } else {
        await printObject(toObject(found), output, terminal);
      }
    } finally {
      await node.close();
    }
  });
};

/** @returns Whether something could not be removed; the rest is removed all the same. */
async function removeAll(
  node: OpenNode,
  found: readonly FoundRemains[],
  {
    olderThan,
    output,
    terminal,
  }: { readonly olderThan: number; readonly output: OutputFormat; readonly terminal: Terminal },
): Promise<boolean> {
  const { removeRemain } = await import("./find-remains.js");
  const results: (Remain & RemovalOutcome & { readonly kind: RemainKindName })[] = [];
  for (const { kind, remains } of found) {
    for (const remain of remains) {
      const outcome = await removeRemain(node, kind, remain, olderThan);
      results.push({ kind: kind.name, ...remain, ...outcome });
      if (output === "table") tellOutcome(`${kind.name}: ${remain.what}`, outcome, terminal);
    }
  }
  if (output !== "table") {
    await printObject({ results }, output, terminal);
  } else {
    const removed = results.filter((each) => each.removed);
    const bytes = removed.reduce((sum, { size = 0 }) => sum + size, 0);
    const much = bytes > 0 ? `, ${formatBytes(BigInt(bytes))}` : "";
    terminal.stdout.write(`${removed.length} removed${much}\n`);
  }
  return results.some(({ error }) => error !== undefined);
}

function tellOutcome(what: string, { removed, error }: RemovalOutcome, terminal: Terminal): void {
  if (error !== undefined) {
    terminal.stderr.write(`dockershim: ${what}: ${error}\n`);
  } else {
    const word = removed ? "removed" : "kept, for it has changed meanwhile";
    terminal.stdout.write(`${what} ${word}\n`);
  }
}

function toObject(found: readonly FoundRemains[]): object {
  return {
    remains: found.flatMap(({ kind, remains }) =>
      remains.map((remain) => ({ kind: kind.name, shared: kind.shared, ...remain })),
    ),
    notLookedAt: found.flatMap(({ kind, skipped }) =>
      skipped === undefined ? [] : [{ kind: kind.name, reason: skipped }],
    ),
  };
}
