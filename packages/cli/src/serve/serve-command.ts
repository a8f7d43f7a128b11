import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption } from "../runtime/runtime-options.js";
import { defaultConfigFile } from "./config-file.js";
import { gatherOptions } from "./daemon-options.js";
import { serveDaemon } from "./serve-daemon.js";
import { addServeOptions } from "./serve-options.js";

/** `dockershim serve` */
export const defineServe: DefineCommand = (command, { terminal }) => {
  command.option(
    "--config <file>",
    "YAML or JSON file with these options, in camelCase; a flag comes before it",
  );
  addServeOptions(command);
  addDebugOption(command);
  command.addHelpText(
    "after",
    `
Durations are written with their units: 30s, 1m30s, 2h, 250ms.

Examples:
  # For a kubelet with
  # --container-runtime-endpoint=unix:///run/dockershim/dockershim.sock
  dockershim serve

  # On a private engine, with plugins from two folders
  dockershim serve --docker-endpoint unix:///run/lab/docker.sock \\
    --cni-bin-dir /opt/cni/bin,/usr/lib/cni

  # From a file with, for example, the line "logLevel: debug"; is it right?
  dockershim config validate --config ${defaultConfigFile}
  dockershim serve --config ${defaultConfigFile}

It logs a line "ready" when it serves. SIGTERM or SIGINT ends it within 5
seconds; pods go on. SIGHUP reads the file again: log level, pod CIDR, metrics
address and CNI's configuration change at once, other options with the next
start.`,
  );
  command.action(async (flags: Record<string, unknown> & { config?: string }) => {
    const readOptions = () => gatherOptions(flags, flags.config);
    await serveDaemon(readOptions, terminal);
  });
};
