import { setMaxListeners } from "node:events";
import { add } from "./add.js";
import type { Attaching, AttachmentId } from "./attachment.js";
import { createAttachmentLock } from "./attachment-lock.js";
import { type CheckOutcome, check } from "./check.js";
import { type DelOptions, type DelSource, type DelTarget, del } from "./del.js";
import { type GcOptions, type GcReport, gc } from "./gc.js";
import { createHostPorts } from "./host-ports.js";
import { createPluginExec } from "./launcher-exec.js";
import { type CniLog, silentLog } from "./log.js";
import type { Network } from "./network-config.js";
import { observePlugins, type PluginObserver } from "./observed-exec.js";
import { type OperationContext, type OperationOptions, withDeadline } from "./operation.js";
import { createPluginCaller } from "./plugin-call.js";
import type { PluginExec } from "./plugin-exec.js";
import { createPluginVersions } from "./plugin-version.js";
import type { CniResult } from "./result.js";
import { type CachedAttachment, createResultCache } from "./result-cache.js";
import { makeStandInNetns } from "./stand-in-netns.js";
import { status } from "./status.js";
import { validateNetwork } from "./validate.js";

/** Where plugins and results are, and how plugins are run. */
export interface CniOptions {
  /** Directories of plugin executables, searched in this order (CNI_PATH). */
  readonly binDirs: readonly string[];
  /**
   * Directory of the result cache; the files are in its folder `results`. It
   * must be this runtime's own: `gc` deletes the attachments in it that it is
   * not told of.
   */
  readonly cacheDir: string;
  /**
   * Caches of other runtimes, which are read and never written: attachments
   * made by the runtime that this one replaces are found there. Default: none.
   */
  readonly extraCacheDirs?: readonly string[] | undefined;
  /** Time limit of an operation in milliseconds. Default: 220 000. */
  readonly timeoutMs?: number | undefined;
  /** Time limit of the DEL after a failed ADD in milliseconds. Default: 60 000. */
  readonly cleanupTimeoutMs?: number | undefined;
  /** The environment that plugins inherit; CNI_* are left out. Default: `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Receives what is tolerated, skipped and retried. Default: nothing is logged. */
  readonly log?: CniLog | undefined;
  /** How executables are run. Default: through shells kept for it, or else directly. */
  readonly exec?: PluginExec | undefined;
  /**
   * Told of each run of a plugin, by its name and CNI_COMMAND; what it returns, of the end, with a reason where that is
   * none of success. Default: nobody is told.
   */
  readonly onPlugin?: PluginObserver | undefined;
}

/**
 * A CNI runtime (CNI spec 1.1.0). All operations throw {@link CniError} only,
 * and end early, killing the plugin that runs, with `timeout` or `aborted`.
 * Operations of one container run one at a time, in the order they were asked
 * for; GC runs alone.
 */
export interface Cni {
  /**
   * Connects a container to a network. When it fails, DEL has run already.
   *
   * Where the namespace is promised only, what needs none is done meanwhile: the checks, and the
   * cache's first entry. If the promise is broken, that is taken back, no plugin runs, and its
   * reason is what is thrown.
   *
   * @param network a network as {@link Cni.validate} returned it
   * @returns the result in the shape of CNI 1.1.0
   * @throws CniError `already_attached` when the cache has that attachment,
   *   `host_port_taken` when a port of the host that it is to map is mapped already
   */
  add(network: Network, attachment: Attaching, options?: OperationOptions): Promise<CniResult>;
  /**
   * Disconnects a container, by the configuration and arguments that it was
   * connected with; may be repeated.
   */
  del(target: DelTarget, options?: DelOptions): Promise<DelSource>;
  /** Asks the plugins whether an attachment is as it was made. */
  check(
    target: AttachmentId & { readonly netns?: string | undefined },
    options?: OperationOptions,
  ): Promise<CheckOutcome>;
  /** Deletes attachments in the cache that are not valid, and lets plugins do the like. */
  gc(valid: readonly AttachmentId[], options?: GcOptions): Promise<GcReport>;
  /** Resolves when the plugins can serve ADD; throws what the first that cannot reports. */
  status(network: Network, options?: OperationOptions): Promise<void>;
  /** The CNI versions that a plugin reports. Remembered until its executable changes. */
  version(plugin: string, options?: OperationOptions): Promise<readonly string[]>;
  /**
   * Checks that all plugins exist and speak an offered version, and returns the
   * network with the highest version that all of them know.
   */
  validate(network: Network, options?: OperationOptions): Promise<Network>;
  /** What the caches hold, this runtime's own first. */
  cachedAttachments(filter?: Partial<AttachmentId>): Promise<CachedAttachment[]>;
  /**
   * Ends what is under way with `aborted`, killing the plugin that runs, and the
   * idle shells that plugins are started through. The next runtime on this cache
   * finds what was begun and not finished.
   */
  close(): void;
}

/** Creates a CNI runtime. */
export function createCni(options: CniOptions): Cni {
  const { binDirs, cacheDir, extraCacheDirs = [], log = silentLog } = options;
  const plain = options.exec ?? createPluginExec(log);
  const exec = options.onPlugin ? observePlugins(plain, options.onPlugin) : plain;
  const caller = createPluginCaller({
    binDirs,
    exec,
    env: options.env ?? process.env,
  });
  const cache = createResultCache({ cacheDir, extraCacheDirs, log });
  const closing = new AbortController();
  // Each operation under way listens.
  setMaxListeners(0, closing.signal);
  const context: OperationContext = {
    caller,
    cache,
    hostPorts: createHostPorts(cache),
    lock: createAttachmentLock(),
    makeStandInNetns,
    binDirs,
    timeoutMs: options.timeoutMs ?? 220_000,
    cleanupTimeoutMs: options.cleanupTimeoutMs ?? 60_000,
    closed: closing.signal,
    log,
  };
  const versions = createPluginVersions(caller, binDirs);
  return {
    add: (network, attachment, opts = {}) => add(context, network, attachment, opts),
    del: (target, opts = {}) => del(context, target, opts),
    check: (target, opts = {}) => check(context, target, opts),
    gc: (valid, opts = {}) => gc(context, valid, opts),
    status: (network, opts = {}) => status(context, network, opts),
    version: (plugin, opts = {}) =>
      withDeadline(context, `VERSION of ${plugin}`, opts, (signal) => versions.of(plugin, signal)),
    validate: (network, opts = {}) =>
      withDeadline(context, `VERSION of the plugins of ${network.name}`, opts, (signal) =>
        validateNetwork(versions, network, signal),
      ),
    cachedAttachments: (filter) => context.cache.list(filter),
    close: () => {
      closing.abort();
      exec.close();
    },
  };
}
