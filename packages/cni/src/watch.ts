import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Cni } from "./cni.js";
import { createDirectoryWatch, type WatchDirectory, watchDirectory } from "./directory-watch.js";
import { loadNetworks } from "./discovery.js";
import { CniError } from "./errors.js";
import { type CniLog, silentLog } from "./log.js";
import type { Network } from "./network-config.js";
import { isAtLeast } from "./version.js";

/** Whether pods can be connected, and to what. */
export type NetworkState =
  | { readonly ready: true; readonly network: Network }
  | {
      readonly ready: false;
      /** One line that tells the operator what is missing. */
      readonly reason: string;
      /** The network whose plugins report that they are not ready. */
      readonly network?: Network | undefined;
      readonly error?: CniError | undefined;
    };

/** What is watched, and who is asked about it. */
export interface WatchNetworksOptions {
  /** Directory of network configurations, such as `/etc/cni/net.d`; it need not exist. */
  readonly confDir: string;
  /** Plugin directories, watched so that a plugin installed later is seen at once. */
  readonly binDirs: readonly string[];
  /** Answers VERSION and STATUS. */
  readonly cni: Pick<Cni, "validate" | "status">;
  /** Milliseconds between looks while everything is watched. Default: 5 000. */
  readonly pollMs?: number | undefined;
  /** Milliseconds between looks while something cannot be watched. Default: 500. */
  readonly fallbackPollMs?: number | undefined;
  /** Milliseconds between STATUS calls (networks of 1.1.0 only). Default: 5 000. */
  readonly statusIntervalMs?: number | undefined;
  /** Receives the reasons why files are skipped, each once. */
  readonly log?: CniLog | undefined;
  /** How directories are watched. Default: `fs.watch`. */
  readonly watchDirectory?: WatchDirectory | undefined;
}

/** Follows the default network while configuration comes, changes and goes. */
export interface NetworkWatcher {
  current(): NetworkState;
  /** Calls back after each change of the state, until the returned function is called. */
  onChange(listener: (state: NetworkState) => void): () => void;
  /** Looks now, and resolves to the state that this leads to. */
  refresh(): Promise<NetworkState>;
  close(): void;
}

/** Writers make several events in a row: looking at each of them would be in vain. */
const settleMs = 50;
const versionTimeoutMs = 5_000;
const statusTimeoutMs = 10_000;
const failingStatusIntervalMs = 1_000;

type Choice =
  | { readonly network: Network }
  | { readonly reason: string; readonly error?: CniError | undefined };

/**
 * Watches a configuration directory. The default network is that of the first
 * file, in bytewise order of names, whose configuration is valid and whose
 * plugins exist and speak its version; others are skipped with a log line. From
 * CNI 1.1.0 on, it is ready while its plugins answer STATUS with success.
 *
 * @returns the watcher, after its first look
 */
export async function watchNetworks(options: WatchNetworksOptions): Promise<NetworkWatcher> {
  const { confDir, binDirs, cni, log = silentLog, statusIntervalMs = 5_000 } = options;
  const { pollMs = 5_000, fallbackPollMs = 500 } = options;
  const listeners = new Set<(state: NetworkState) => void>();
  const closing = new AbortController();
  let choice: Choice = { reason: "the network configuration has not been read yet" };
  /** Undefined while STATUS has not answered; null when it answered with success. */
  let statusError: CniError | null | undefined;
  let state = toState(choice, statusError);
  let skipped = new Map<string, string>();
  let lookTimer: NodeJS.Timeout | undefined;
  let statusTimer: NodeJS.Timeout | undefined;
  let statusRun: { readonly abort: AbortController; readonly done: Promise<void> } | undefined;
  let looking: Promise<void> = Promise.resolve();

  const publish = () => {
    const next = toState(choice, statusError);
    if (isSameState(state, next)) return;
    state = next;
    for (const listener of listeners) listener(state);
  };

  const lookAfter = (ms: number) => {
    clearTimeout(lookTimer);
    if (!closing.signal.aborted) lookTimer = setTimeout(look, ms);
  };

  let eventPending = false;
  const onEvent = () => {
    // Later events don't put off the look, so that a busy directory is looked at, too.
    if (!eventPending) {
      eventPending = true;
      lookAfter(settleMs);
    }
  };
  const directories = createDirectoryWatch(options.watchDirectory ?? watchDirectory, onEvent);

  /** One look at a time; the next one begins when the last has ended. */
  const look = (): Promise<void> => {
    looking = looking.then(async () => {
      if (closing.signal.aborted) return;
      eventPending = false;
      const confDirs = [confDir, ...(await subdirectories(confDir))];
      const unwatched = await directories.set([...confDirs, ...binDirs]);
      await choose();
      // A plugin directory that is not there matters only to plugins that are missing.
      const complete = unwatched.every((dir) => "network" in choice && !confDirs.includes(dir));
      // What happened during the look may have been too late for it.
      if (!eventPending) lookAfter(complete ? pollMs : fallbackPollMs);
    });
    return looking;
  };

  const choose = async () => {
    const { next, skips } = await chooseNetwork(confDir, cni, closing.signal);
    if (closing.signal.aborted) return;
    for (const [file, reason] of skips) {
      if (skipped.get(file) !== reason) {
        log("warn", "skipping a network configuration", { file, reason });
      }
    }
    skipped = skips;
    if (!isSameChoice(choice, next)) {
      choice = next;
      statusError = undefined;
      askStatus();
    }
    publish();
  };

  const askStatus = () => {
    clearTimeout(statusTimer);
    statusRun?.abort.abort();
    statusRun = undefined;
    if (!("network" in choice) || !isAtLeast(choice.network.cniVersion, "1.1.0")) {
      statusError = null;
      return;
    }
    const abort = new AbortController();
    const done = cni
      .status(choice.network, { signal: abort.signal, timeoutMs: statusTimeoutMs })
      .then(
        () => null,
        (reason: unknown) => CniError.from(reason, "plugin_failed", "STATUS failed"),
      )
      .then((error) => {
        // The answer to an earlier question must not be taken for a later one's.
        if (statusRun?.abort !== abort) return;
        statusError = error;
        publish();
        const interval = error === null ? statusIntervalMs : failingStatusIntervalMs;
        statusTimer = setTimeout(askStatus, Math.min(interval, statusIntervalMs));
      });
    statusRun = { abort, done };
  };

  const lookAndAsk = async () => {
    await look();
    await statusRun?.done;
  };

  await lookAndAsk();
  return {
    current: () => state,
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    refresh: async () => {
      await lookAndAsk();
      return state;
    },
    close: () => {
      closing.abort();
      statusRun?.abort.abort();
      statusRun = undefined;
      clearTimeout(lookTimer);
      clearTimeout(statusTimer);
      directories.close();
      listeners.clear();
    },
  };
}

async function chooseNetwork(
  confDir: string,
  cni: Pick<Cni, "validate">,
  signal: AbortSignal,
): Promise<{ next: Choice; skips: Map<string, string> }> {
  const skips = new Map<string, string>();
  let lastError: CniError | undefined;
  try {
    const { networks, rejected } = await loadNetworks(confDir);
    for (const { file, error } of rejected) {
      skips.set(file, error.message);
      lastError = error;
    }
    for (const network of networks) {
      try {
        const next = await cni.validate(network, { signal, timeoutMs: versionTimeoutMs });
        return { next: { network: next }, skips };
      } catch (reason) {
        const error = CniError.from(reason, "plugin_failed", "VERSION failed");
        skips.set(network.file ?? network.name, error.message);
        lastError = error;
      }
    }
  } catch (reason) {
    lastError = CniError.from(reason, "invalid_config", `cannot read ${confDir}`);
    return { next: { reason: lastError.message, error: lastError }, skips };
  }
  const listed = [...skips].map(([file, reason]) => `${file}: ${reason}`).join("; ");
  return {
    next: {
      reason:
        skips.size === 0
          ? `no network configuration in ${confDir}`
          : `no usable network configuration in ${confDir}: ${listed}`,
      error: lastError,
    },
    skips,
  };
}

async function subdirectories(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(dir, name));
}

function toState(choice: Choice, statusError: CniError | null | undefined): NetworkState {
  if (!("network" in choice)) return { ready: false, reason: choice.reason, error: choice.error };
  const { network } = choice;
  if (statusError === null) return { ready: true, network };
  const reason =
    statusError === undefined
      ? `the plugins of network ${network.name} have not answered STATUS yet`
      : `network ${network.name} is not ready: ${statusError.message}`;
  return { ready: false, reason, network, error: statusError };
}

function isSameChoice(a: Choice, b: Choice): boolean {
  return "network" in a && "network" in b
    ? isSameNetwork(a.network, b.network)
    : "reason" in a && "reason" in b && a.reason === b.reason;
}

function isSameState(a: NetworkState, b: NetworkState): boolean {
  return (
    a.ready === b.ready &&
    isSameNetwork(a.network, b.network) &&
    (a.ready ? undefined : a.reason) === (b.ready ? undefined : b.reason)
  );
}

function isSameNetwork(a: Network | undefined, b: Network | undefined): boolean {
  return (
    a?.file === b?.file &&
    a?.name === b?.name &&
    a?.text === b?.text &&
    a?.cniVersion === b?.cniVersion
  );
}
