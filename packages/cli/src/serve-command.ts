import type { ShimOptions } from "@dockershim/shim-server";
import type { Command } from "commander";
import { readConfigFile } from "./config-file.js";
import { runDaemon } from "./run-daemon.js";
import { addDebugOption } from "./runtime-options.js";
import { addServeOptions, optionsFromFlags } from "./serve-options.js";

/** What is needed of @dockershim/shim-server, which is loaded only for this command. */
type ShimServer = Pick<
  typeof import("@dockershim/shim-server"),
  "defaultShimOptions" | "startShim"
>;

/** `dockershim serve` */
export function addServeCommand(program: Command, server: ShimServer | undefined): void {
  const command = program
    .command("serve")
    .description("run the daemon: serve CRI on a socket, on top of a Docker engine");
  // Without the server the command is only named in an overview.
  if (!server) return;

  command.option(
    "--config <file>",
    "YAML or JSON file with these options, in camelCase; a flag comes before it",
  );
  addServeOptions(command, server.defaultShimOptions);
  addDebugOption(command);
  command.addHelpText(
    "after",
    `
Examples:
  # For a kubelet started with --container-runtime-endpoint=unix:///run/dockershim/dockershim.sock
  dockershim serve

  # On a private engine, with plugins from two folders
  dockershim serve --docker-endpoint unix:///run/lab/docker.sock --cni-bin-dir /opt/cni/bin,/usr/lib/cni

  # From a file with, for example, the line "logLevel: debug"
  dockershim serve --config /etc/dockershim.yaml

It logs a line "ready" when it serves. SIGTERM or SIGINT ends it within 5 seconds; pods go on.
SIGHUP reads the file again: log level, pod CIDR, metrics address and CNI's
configuration change at once, other options with the next start.`,
  );
  command.action(async (flags: Record<string, unknown> & { config?: string }) => {
    const readOptions = async (): Promise<Partial<ShimOptions>> => {
      const fromFile = flags.config === undefined ? {} : await readConfigFile(flags.config);
      return { ...fromFile, ...optionsFromFlags(flags) };
    };
    const options = await readOptions();
    await runDaemon(() => server.startShim(options), {
      signals: process,
      exit: (code) => process.exit(code),
      readOptions,
      onReloadFailed: (reason) => {
        const why = reason instanceof Error ? reason.message : String(reason);
        console.error(`dockershim: not reloaded: ${why}`);
      },
    });
  });
}
