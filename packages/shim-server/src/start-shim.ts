import { mkdirSync } from "node:fs";
import { type Logger, pino } from "pino";
import { createCloserStack } from "./async/closer-stack.js";
import { optionProblems } from "./option-problems.js";
import { defaultShimOptions, type ShimOptions } from "./options.js";
import { criSocket } from "./server/unix-socket.js";
import { ShimError } from "./shim-error.js";
import { openEngine } from "./start/open-engine.js";
import { openFront } from "./start/open-front.js";
import { openNode } from "./start/open-node.js";
import { createReload, type ReloadOutcome } from "./start/reload.js";
import { lockRootDir } from "./start/root-lock.js";
import { instanceOf } from "./state/instance.js";
import type { Store } from "./state/store.js";
import { createMetrics } from "./telemetry/metrics.js";
import { createObservers } from "./telemetry/observers.js";
import { createPodTimelines } from "./telemetry/pod-timelines.js";
import { unreadyReasons } from "./telemetry/readiness.js";
import { createTracing } from "./telemetry/tracing.js";
import { version } from "./version.js";

/** A daemon that serves. */
export interface Shim {
  /** Where it answers CRI, as `unix:///path`. */
  readonly endpoint: string;
  /**
   * Puts changed options in force as far as that is possible while pods run, and looks at CNI's
   * configuration again.
   *
   * @param options What differs from {@link defaultShimOptions}.
   * @throws ShimError `invalid_argument` or `failed_precondition` for one that cannot be had; it
   * stays as it was.
   */
  reload(options: Partial<ShimOptions>): Promise<ReloadOutcome>;
  /** What it serves at this moment. */
  status(): Promise<ShimStatus>;
  /** Ends it: running calls get 4 s to finish, everything together 4.7 s. Pods go on without it. */
  close(): Promise<void>;
}

/** What a daemon serves. */
export interface ShimStatus {
  /** Sandboxes and containers that it knows, running or not. */
  readonly sandboxes: number;
  readonly containers: number;
  /** Why it cannot serve pods, for people; empty when it can. */
  readonly unready: readonly string[];
}

/** The kubelet is told within 5 s of SIGTERM that we are gone, so the end gets a little less. */
const closeMs = 4_700;

/**
 * Starts the daemon.
 *
 * It serves as soon as the engine was read once, or was found to be out of reach; in that case
 * calls fail with UNAVAILABLE until the engine answers.
 *
 * @param options What differs from {@link defaultShimOptions}.
 * @param log Where to log; standard output as JSON lines by default.
 * @throws ShimError `invalid_argument` with every option that is wrong, `failed_precondition` when
 * the socket or the root directory is in use, `permission_denied` for a file that takes root.
 */
export async function startShim(options: Partial<ShimOptions>, log?: Logger): Promise<Shim> {
  const chosen = completeOptions(options);
  const socket = criSocket(chosen.listen);
  // A child, since a logger that was given is not ours to change.
  const logger = (log ?? pino({ level: chosen.logLevel, base: null })).child({});
  const setLogLevel = followChildren(logger);
  const closers = createCloserStack(logger, closeMs);
  let instance: string;
  let store: Pick<Store, "sandboxes" | "containers">;
  let unready: () => Promise<string[]>;
  let reload: (wanted: ShimOptions) => Promise<ReloadOutcome>;
  try {
    mkdirSync(chosen.rootDir, { recursive: true, mode: 0o700 });
    instance = instanceOf(chosen.rootDir);
    closers.push("the root directory", lockRootDir(chosen.rootDir, chosen.listen, logger));
    const metrics = await createMetrics(chosen.metricsBindAddr);
    closers.push("process metrics", () => metrics?.close());
    const tracing = await createTracing(chosen.tracingEndpoint, logger);
    closers.push("tracing", async () => await tracing?.close());
    const timelines = createPodTimelines({
      pod: (id) => known.store.sandbox(id)?.item.metadata,
      container(id) {
        const record = known.store.container(id);
        const name = record?.item.metadata?.name;
        return record && name ? { sandboxId: record.sandboxId, name } : undefined;
      },
    });
    const observers = createObservers(metrics, tracing, timelines);
    const common = { instance, observers, log: logger };
    const engine = openEngine(chosen, common, closers);
    const known = { ...common, ...engine, feedObserver: metrics?.feed };
    const node = await openNode(chosen, known, closers);
    const all = { ...known, ...node, metrics, tracing, timelines, socket };
    const front = await openFront(chosen, all, closers);
    reload = createReload(chosen, { front, network: node.network, setLogLevel, log: logger });
    store = engine.store;
    unready = () => unreadyReasons({ ...node, engine: engine.engine });
  } catch (err) {
    await closers.close();
    throw explainPermission(err);
  }
  // Whoever waits for the daemon to serve looks for this word.
  const waitingFor = await unready();
  const started = { endpoint: chosen.listen, instance, version };
  if (waitingFor.length === 0) logger.info(started, "ready");
  else logger.warn({ ...started, waitingFor }, "ready");
  return {
    endpoint: `unix://${socket.path}`,
    async status() {
      const count = {
        sandboxes: [...store.sandboxes()].length,
        containers: [...store.containers()].length,
      };
      return { ...count, unready: await unready() };
    },
    reload: async (changed) => await reload(completeOptions(changed)),
    async close() {
      logger.info("stopping");
      await closers.close();
      logger.info("stopped");
    },
  };
}

/** Without root, the first file that cannot be had is told; it is not the file that is wrong. */
function explainPermission(err: unknown): unknown {
  const { code, syscall, path, address } = (err ?? {}) as NodeJS.ErrnoException & {
    address?: string;
  };
  if (code !== "EACCES" && code !== "EPERM") return err;
  const what = `${syscall ?? "use"} ${path ?? address ?? "a file"}`;
  return new ShimError("permission_denied", `cannot ${what}: permission denied; run it as root`, {
    cause: err,
  });
}

/** @throws ShimError `invalid_argument` with every option that is wrong. */
function completeOptions(options: Partial<ShimOptions>): ShimOptions {
  const complete: ShimOptions = { ...defaultShimOptions, ...options };
  const problems = optionProblems(complete).map(({ key, problem }) => `${key}: ${problem}`);
  if (problems.length > 0) throw new ShimError("invalid_argument", problems.join("; "));
  return complete;
}

/** A child of a logger keeps the level it was made with, so each is told of a new one. */
function followChildren(logger: Logger): (level: string) => void {
  const children: Logger[] = [];
  logger.onChild = (child) => void children.push(child);
  return (level) => {
    for (const one of [logger, ...children]) one.level = level;
  };
}
