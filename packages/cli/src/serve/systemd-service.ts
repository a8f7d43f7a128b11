import { realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Shim, ShimStatus } from "@dockershim/shim-server";
import { CliError } from "../cli-error.js";
import type { DaemonObserver } from "./run-daemon.js";
import type { Notifier } from "./systemd-notify.js";

type Environment = Record<string, string | undefined>;

/** How often the status is looked at, in ms. */
const statusMs = 5_000;

/**
 * Takes what systemd tells a service out of the environment, so that no CNI plugin takes it for its
 * own: sd_listen_fds(3), sd_notify(3), sd_watchdog_enabled(3).
 *
 * @param env Changed.
 */
export function takeServiceVariables(env: Environment, pid: number): ServiceVariables {
  const { LISTEN_PID, LISTEN_FDS, NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = env;
  for (const key of [
    ...["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"],
    ...["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"],
  ]) {
    delete env[key];
  }
  const watched = WATCHDOG_USEC !== undefined && (WATCHDOG_PID ?? `${pid}`) === `${pid}`;
  return {
    passedSockets: LISTEN_PID === `${pid}` ? Number(LISTEN_FDS) : 0,
    notifySocket: NOTIFY_SOCKET,
    watchdogMs: watched ? Number(WATCHDOG_USEC) / 1_000 : undefined,
  };
}

/** What systemd tells a service. */
export interface ServiceVariables {
  /** How many sockets were passed on, from descriptor 3. */
  readonly passedSockets: number;
  readonly notifySocket: string | undefined;
  /** It is killed when it says nothing for so long, in ms. */
  readonly watchdogMs: number | undefined;
}

/**
 * Refuses to serve on a socket that was not passed on, before a stranger's descriptor is taken.
 *
 * @throws CliError usage
 */
export function requirePassedSocket(
  listen: string | undefined,
  { passedSockets }: ServiceVariables,
): void {
  if (listen === undefined || !listen.startsWith("fd://")) return;
  const last = 2 + passedSockets;
  if (Number(listen.slice("fd://".length) || 3) <= last) return;
  const passed = passedSockets === 0 ? "passed on no socket" : `passed on 3 to ${last} only`;
  throw new CliError(
    "usage",
    `--listen ${listen} is for a service with a systemd socket unit; this process was ${passed}`,
  );
}

/**
 * Serves on a socket that was passed on where its path is the one to serve on. Units of cri-dockerd
 * name the path that their socket unit has made already: to make it again would be refused, since
 * systemd answers there.
 *
 * @param listen As the daemon's option has it.
 * @param pathOf The path that a descriptor's socket is bound to; throws for what is none.
 * @returns The option with the descriptor in place of the path, if there is one.
 */
export function preferPassedSocket(
  listen: string,
  { passedSockets }: ServiceVariables,
  pathOf: (fd: number) => string,
): string {
  if (listen.startsWith("fd://")) return listen;
  const wanted = resolved(listen.replace(/^unix:\/\//, ""));
  for (let fd = 3; fd < 3 + passedSockets; fd++) {
    try {
      if (resolved(pathOf(fd)) === wanted) return `fd://${fd}`;
    } catch {
      // It is another kind of socket, and not for us.
    }
  }
  return listen;
}

/** /var/run is a link to /run. */
function resolved(path: string): string {
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch {
    return path;
  }
}

/** Tells systemd what the daemon does, and that its event loop turns. */
export function observeForSystemd(
  notifier: Notifier,
  watchdogMs: number | undefined,
): DaemonObserver {
  let told = "";

  async function tellStatus(shim: Shim): Promise<void> {
    const text = describeStatus(await shim.status());
    if (text === told) return;
    told = text;
    notifier.send({ STATUS: text });
  }

  function every(ms: number, work: () => void): void {
    setInterval(work, ms).unref();
  }

  return {
    async started(shim) {
      told = describeStatus(await shim.status());
      notifier.send({ READY: 1, STATUS: told });
      // Half the time, as sd_watchdog_enabled(3) recommends.
      if (watchdogMs !== undefined) every(watchdogMs / 2, () => notifier.send({ WATCHDOG: 1 }));
      every(statusMs, () => void tellStatus(shim).catch(() => undefined));
    },
    reloading() {
      notifier.send({ RELOADING: 1, MONOTONIC_USEC: `${process.hrtime.bigint() / 1_000n}` });
    },
    reloaded: () => notifier.send({ READY: 1 }),
    stopping: () => notifier.send({ STOPPING: 1, STATUS: "Ending; pods run on" }),
  };
}

function describeStatus({ sandboxes, containers, unready }: ShimStatus): string {
  const pods = `${sandboxes} pods, ${containers} containers`;
  // systemctl shows one line.
  return unready.length === 0
    ? pods
    : `Not ready: ${unready.join("; ").replaceAll("\n", " ")}; ${pods}`;
}
