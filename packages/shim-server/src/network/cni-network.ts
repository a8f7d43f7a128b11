import { join } from "node:path";
import {
  attachmentIps,
  type CachedAttachment,
  type CniLog,
  createCni,
  holdNetns,
  type NetworkState,
  type NetworkWatcher,
  toCniResult,
  watchNetworks,
} from "@dockershim/cni";
import type { Logger } from "pino";
import type { PluginObserver } from "../observed/observers.js";
import type { ShimOptions } from "../options.js";
import { ShimError } from "../shim-error.js";
import { cniAttachment, netnsOf, pidOfNetns, podInterface } from "./cni-attachment.js";
import type { PodNetwork } from "./pod-network.js";

/** Where dockershim and cri-dockerd kept CNI results: pods of theirs are torn down by those. */
const otherCaches = ["/var/lib/cni", "/var/lib/cni/cache"];

/**
 * What dockershim, cri-dockerd and others call the network of a pod's loopback interface. cri-dockerd caches its
 * result, which has no address, under the name of the pod's interface too.
 */
const loopbackNetwork = "cni-loopback";

/**
 * Pod networking through CNI plugins (`--network-plugin=cni`).
 *
 * CNI's result cache is the only record of which pod has which address; it is kept in memory and
 * read again when the daemon starts.
 */
export async function createCniNetwork(
  options: ShimOptions,
  logger: Logger,
  onPlugin?: PluginObserver,
): Promise<PodNetwork> {
  const log = toCniLog(logger.child({ part: "cni" }));
  const cacheDir = options.cniCacheDir === "" ? join(options.rootDir, "cni") : options.cniCacheDir;
  const cni = createCni({
    binDirs: options.cniBinDirs,
    cacheDir,
    extraCacheDirs: otherCaches.filter((dir) => dir !== cacheDir),
    log,
    onPlugin,
  });
  const watcher = await watchNetworks({
    confDir: options.cniConfDir,
    binDirs: options.cniBinDirs,
    cni,
    log,
  });
  tellReadiness(watcher, logger);
  /** With the process whose namespace was put on the network, 0 where the cache does not tell. */
  const pods = new Map<string, { readonly ips: readonly string[]; readonly pid: number }>();
  for (const cached of await cni.cachedAttachments({ ifName: podInterface })) {
    if (!cached.complete || cached.network === loopbackNetwork) continue;
    pods.set(cached.containerId, {
      ips: cachedIps(cached, log),
      pid: pidOfNetns(cached.netns),
    });
  }
  /** Whether it is known that not this process was put on the network. */
  const isOtherProcess = (sandboxId: string, pid: number): boolean => {
    const { pid: networked = 0 } = pods.get(sandboxId) ?? {};
    return networked > 0 && pid > 0 && networked !== pid;
  };
  const settingUp = new Set<string>();
  let podCidr = options.podCidr;

  return {
    async readiness() {
      const state = watcher.current();
      return state.ready
        ? { ready: true, reason: "", message: "" }
        : { ready: false, reason: "NetworkPluginNotReady", message: state.reason };
    },

    async setUp(pod, signal) {
      const state = watcher.current();
      if (!state.ready) {
        throw new ShimError("unavailable", `the pod network is not ready: ${state.reason}`);
      }
      const attachment = cniAttachment(pod, podCidr);
      settingUp.add(pod.sandboxId);
      try {
        const result = await cni.add(state.network, attachment, { signal });
        const ips = attachmentIps(result, podInterface);
        pods.set(pod.sandboxId, { ips, pid: await pod.pid });
        return ips;
      } finally {
        settingUp.delete(pod.sandboxId);
      }
    },

    async tearDown(sandboxId, pid, signal, onHeld) {
      // The process may end at any moment, and with a path through it the namespace would be gone.
      const held =
        pid > 0 && !isOtherProcess(sandboxId, pid)
          ? await holdNetns(netnsOf(pid)).catch(() => undefined)
          : undefined;
      onHeld?.();
      try {
        const netns = held === undefined ? {} : { netns: held.path };
        await cni.del({ containerId: sandboxId, ifName: podInterface, ...netns }, { signal });
        pods.delete(sandboxId);
      } finally {
        await held?.release();
      }
    },

    async attached() {
      const cached = await cni.cachedAttachments({ ifName: podInterface });
      return cached
        .filter(({ readOnly, containerId }) => !readOnly && !settingUp.has(containerId))
        .map(({ containerId }) => containerId);
    },

    addresses: (sandboxId, pid) =>
      isOtherProcess(sandboxId, pid) ? undefined : pods.get(sandboxId)?.ips,

    async refresh() {
      await watcher.refresh();
    },

    setPodCidr(cidr) {
      podCidr = cidr;
    },

    async close() {
      watcher.close();
      cni.close();
    },
  };
}

function cachedIps({ result, file }: CachedAttachment, log: CniLog): readonly string[] {
  try {
    return result === undefined ? [] : attachmentIps(toCniResult(result), podInterface);
  } catch (err) {
    log("warn", "a cached CNI result cannot be read", { file, error: String(err) });
    return [];
  }
}

function toCniLog(logger: Logger): CniLog {
  return (level, message, fields) => logger[level](fields ?? {}, message);
}

/** One line for each change: the kubelet asks all the time. */
function tellReadiness(watcher: NetworkWatcher, log: Logger): void {
  let told: string | undefined;
  const tell = (state: NetworkState): void => {
    const now = state.ready ? state.network.name : state.reason;
    if (now === told) return;
    told = now;
    if (state.ready) log.info({ network: now }, "the pod network is ready");
    else log.warn({ error: now, hint: networkAdvice }, "there is no pod network yet");
  };
  tell(watcher.current());
  watcher.onChange(tell);
}

const networkAdvice =
  "the cluster's network add-on brings one; --cni-conf-dir and --cni-bin-dir say where, " +
  "--network-plugin=none does without";
