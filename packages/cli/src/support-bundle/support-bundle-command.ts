import { open, rename, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { Option } from "commander";
import { CliError } from "../cli-error.js";
import { describeReadError } from "../machine/read-error.js";
import { formatBytes } from "../output/byte-size.js";
import { parseDuration } from "../output/duration.js";
import { showElapsed } from "../output/elapsed-line.js";
import { formatTable } from "../output/table.js";
import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption } from "../runtime/runtime-options.js";
import { defaultConfigFile } from "../serve/config-file.js";
import { addNodeOptions, type NodeOptions } from "../serve/node-options.js";
import type { BundledPart } from "./make-bundle.js";

interface BundleOptions extends NodeOptions {
  readonly file?: string;
  readonly logFile?: string;
  /** In ms. */
  readonly since: number;
}

/** `dockershim support-bundle` */
export const defineSupportBundle: DefineCommand = (command, { terminal }) => {
  command
    .option(
      "-f, --file <file>",
      "where to write it, - for stdout (default: dockershim-support-….tar.gz)",
    )
    .addOption(
      new Option("--since <duration>", "how far back logs go")
        .argParser((text: string) => parseDuration(text, "--since"))
        .default(24 * 3_600_000, "24h"),
    )
    .option("--log-file <file>", "the daemon's log, where it is not in the journal");
  addDebugOption(addNodeOptions(command));
  command.addHelpText(
    "after",
    `
It has versions, configuration, what check and gc find, logs, metrics, and what
runtime and engine tell of pods. Left out are values of environments and
annotations, arguments of commands, keys, passwords and tokens; names of pods,
images, hosts and their addresses are in it. Look at it before you pass it on.

What cannot be had is noted in its manifest.json. It has at most 60 MiB before
it is compressed, and takes two minutes at most.`,
  );
  command.action(async (options: BundleOptions) => {
    const { openNode } = await import("../node/open-node.js");
    const { bundleParts } = await import("./bundle-parts.js");
    const { makeBundle } = await import("./make-bundle.js");
    const { root, logFile } = options;
    const stamp = new Date(terminal.now()).toISOString().replace(/[-:]|\.\d+Z/g, "");
    const folder = `dockershim-support-${hostname()
      .replace(/[^A-Za-z0-9.-]/g, "")
      .slice(0, 30)}-${stamp}`;
    const file = options.file ?? `${folder}.tar.gz`;
    const node = await openNode({
      root,
      path: terminal.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin",
      configFile: options.config,
      // Given before the command's name, too, as with the others.
      endpoint: command.optsWithGlobals<BundleOptions>().runtimeEndpoint,
    });
    try {
      const source = {
        ...{ node, logFile, sinceMs: options.since, now: terminal.now },
        configFile: options.config ?? defaultConfigFile,
      };
      const { archive, parts } = await showElapsed(terminal, "collecting", () =>
        makeBundle(bundleParts, source, folder),
      );
      const packed = await promisify(gzip)(archive);
      if (file === "-") terminal.stdout.write(packed);
      else await writeNew(file, packed);
      // Beside an archive on stdout, what is in it is told on stderr.
      const { stdout, stderr } = terminal;
      (file === "-" ? stderr : stdout).write(describeBundle(file, packed.length, parts));
    } finally {
      await node.close();
    }
  });
};

/** What is in a bundle, for people. */
export function describeBundle(file: string, size: number, parts: readonly BundledPart[]): string {
  const rows = parts.map(({ name, about, files, problem }) => {
    const bytes = files.reduce((sum, each) => sum + each.size, 0);
    const cut = files.some((each) => each.cut > 0) ? ", cut" : "";
    return [name, `${files.length}`, `${formatBytes(BigInt(bytes))}${cut}`, problem ?? about];
  });
  const where = file === "-" ? "" : ` in ${file}`;
  const table = formatTable(["part", "files", "size", "what it is, or why it is missing"], rows);
  return `${table}\n${formatBytes(BigInt(size))}${where}. Look at it before you pass it on: it has names and addresses of this node.\n`;
}

/** For its owner only. A file of that name is replaced when all is written. */
async function writeNew(file: string, content: Uint8Array): Promise<void> {
  const draft = `${file}.${process.pid}.tmp`;
  try {
    const handle = await open(draft, "wx", 0o600);
    try {
      await handle.writeFile(content);
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } catch (cause) {
    await rm(draft, { force: true });
    throw new CliError("failure", `cannot write ${file}: ${describeReadError(cause)}`, { cause });
  }
}
