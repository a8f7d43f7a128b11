import type { ShimOptions } from "@dockershim/shim-server/options";
import type { Logger } from "pino";
import { messageOf } from "../cli-error.js";
import type { Terminal } from "../output/terminal.js";
import type { Notifier } from "./systemd-notify.js";
import {
  observeForSystemd,
  preferPassedSocket,
  requirePassedSocket,
  type ServiceVariables,
  takeServiceVariables,
} from "./systemd-service.js";
import { stopYoungGrowth } from "./young-heap.js";

/**
 * Runs the daemon until it is told to end, as a service of systemd where it is one.
 *
 * @param readOptions Called at the start and for each reload.
 * @param warnings What to say first in the log.
 * @throws CliError, and whatever `readOptions` and the daemon's start throw.
 */
export async function serveDaemon(
  readOptions: () => Promise<Partial<ShimOptions>>,
  terminal: Terminal,
  warnings: readonly string[] = [],
): Promise<void> {
  // Folders and files get the modes that are meant, from CNI plugins too, whatever the shell or unit had.
  process.umask(0o022);
  const service = takeServiceVariables(process.env, process.pid);
  const given = await readOptions();
  requirePassedSocket(given.listen, service);
  const withoutLeanMemory = await keepMemoryLean();
  const { defaultShimOptions, listeningPath, startShim } = await import("@dockershim/shim-server");
  const onPassedSocket = (from: Partial<ShimOptions>): Partial<ShimOptions> => ({
    ...from,
    listen: preferPassedSocket(from.listen ?? defaultShimOptions.listen, service, listeningPath),
  });
  const options = onPassedSocket(given);
  const { createDaemonLog } = await import("./daemon-log.js");
  const { endProcess, runDaemon } = await import("./run-daemon.js");
  const log = await createDaemonLog(options.logLevel ?? defaultShimOptions.logLevel, {
    fd: process.stdout.fd,
    isTerminal: process.stdout.isTTY === true,
    env: terminal.env,
  });
  for (const warning of warnings) log.warn(warning);
  if (withoutLeanMemory !== undefined) {
    log.warn({ err: withoutLeanMemory }, "memory that is no longer used is kept");
  }
  const notifier = await notifierOf(service, log);
  await runDaemon(() => startShim(options, log), {
    signals: process,
    exit: endProcess,
    onForcedEnd: () => log.warn("something still runs, the process ends without it"),
    readOptions: async () => onPassedSocket(await readOptions()),
    ...(notifier && { observer: observeForSystemd(notifier, service.watchdogMs) }),
    onReloadFailed: (reason) => {
      const error = messageOf(reason);
      log.error({ error }, "not reloaded, all goes on as before");
    },
  });
}

/** @returns Why it cannot be done; a native library that cannot be loaded is no reason not to serve. */
async function keepMemoryLean(): Promise<unknown> {
  try {
    (await import("./lean-memory.js")).keepMemoryLean();
    return undefined;
  } catch (err) {
    stopYoungGrowth();
    return err;
  }
}

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
