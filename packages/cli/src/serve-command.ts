import type { Logger } from "pino";
import type { DefineCommand } from "./command-context.js";
import { defaultConfigFile } from "./config-file.js";
import { gatherOptions } from "./daemon-options.js";
import { addDebugOption } from "./runtime-options.js";
import { addServeOptions } from "./serve-options.js";
import type { Notifier } from "./systemd-notify.js";
import {
  observeForSystemd,
  requirePassedSocket,
  type ServiceVariables,
  takeServiceVariables,
} from "./systemd-service.js";

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
  # For a kubelet started with --container-runtime-endpoint=unix:///run/dockershim/dockershim.sock
  dockershim serve

  # On a private engine, with plugins from two folders
  dockershim serve --docker-endpoint unix:///run/lab/docker.sock --cni-bin-dir /opt/cni/bin,/usr/lib/cni

  # From a file with, for example, the line "logLevel: debug"; is it right?
  dockershim config validate --config ${defaultConfigFile}
  dockershim serve --config ${defaultConfigFile}

It logs a line "ready" when it serves. SIGTERM or SIGINT ends it within 5 seconds; pods go on.
SIGHUP reads the file again: log level, pod CIDR, metrics address and CNI's
configuration change at once, other options with the next start.`,
  );
  command.action(async (flags: Record<string, unknown> & { config?: string }) => {
    const readOptions = () => gatherOptions(flags, flags.config);
    const service = takeServiceVariables(process.env, process.pid);
    const options = await readOptions();
    requirePassedSocket(options.listen, service);
    const { defaultShimOptions, startShim } = await import("@dockershim/shim-server");
    const { createDaemonLog } = await import("./daemon-log.js");
    const { endProcess, runDaemon } = await import("./run-daemon.js");
    const log = await createDaemonLog(options.logLevel ?? defaultShimOptions.logLevel, {
      fd: process.stdout.fd,
      isTerminal: process.stdout.isTTY === true,
      env: terminal.env,
    });
    const notifier = await notifierOf(service, log);
    await runDaemon(() => startShim(options, log), {
      signals: process,
      exit: endProcess,
      onForcedEnd: () => log.warn("something still runs, the process ends without it"),
      readOptions,
      ...(notifier && { observer: observeForSystemd(notifier, service.watchdogMs) }),
      onReloadFailed: (reason) => {
        const error = reason instanceof Error ? reason.message : String(reason);
        log.error({ error }, "not reloaded, all goes on as before");
      },
    });
  });
};

/** A service manager that cannot be told anything is no reason not to serve. */
async function notifierOf(
  { notifySocket }: ServiceVariables,
  log: Pick<Logger, "warn">,
): Promise<Notifier | undefined> {
  if (notifySocket === undefined) return undefined;
  try {
    // It loads a native library, which whoever is no service does without.
    const { openNotifier } = await import("./systemd-notify.js");
    return openNotifier(notifySocket);
  } catch (err) {
    log.warn({ err }, "systemd is not told how it goes");
    return undefined;
  }
}
