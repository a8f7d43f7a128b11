import { setTimeout } from "node:timers/promises";
import {
  type DockerClient,
  type DockerError,
  type EngineEvent,
  isDockerError,
} from "@dockershim/docker-client";
import { TYPE_LABEL } from "@dockershim/pod-sandbox";
import type { Logger } from "pino";
import type { FeedObserver } from "../observed/observers.js";
import { ShimError } from "../shim-error.js";
import type { Engine } from "./engine.js";
import type { ExecExits } from "./exec-exits.js";
import type { ImageStore } from "./image-store.js";
import type { Store } from "./store.js";

export interface EventFeedOptions {
  readonly docker: Pick<DockerClient, "events">;
  readonly store: Store;
  readonly images: ImageStore;
  readonly engine: Engine;
  readonly execExits: ExecExits;
  readonly log: Logger;
  readonly observer?: FeedObserver | undefined;
  /** Called each time the stores have been read in full. */
  readonly onSynced: () => void;
  /** Called when the engine has written into a container's files, as `docker cp` has it do. */
  readonly onWritten?: (containerId: string) => void;
  /** How often all is compared with Docker although no event asked for it, in ms. */
  readonly auditMs?: number;
}

/** Keeps the stores true to the engine; see {@link startEventFeed}. */
export interface EventFeed {
  /**
   * Settles once the stores hold what the engine holds; at once in normal operation.
   *
   * @throws ShimError `unavailable` while the engine is out of reach.
   */
  ready(): Promise<void>;
  /** Whether {@link EventFeed.ready} would settle at once. */
  readonly current: boolean;
  /** Settles when the engine has been read for the first time, or found to be out of reach. */
  readonly firstContact: Promise<void>;
  stop(): Promise<void>;
}

const resyncRetryMs = 500;

/** Container events after which an inspect would tell nothing new. */
const silent = /^(?:exec_|attach|detach|resize|top|copy|export|archive-path|extract-to-dir|kill)/;

/**
 * Follows Docker's events and reads what they name.
 *
 * An event says that something changed, never what it is now: the state is always inspected, so a
 * lost, doubled or late event can delay the truth but not falsify it. After each (re)connection
 * everything is compared, and now and then without any reason.
 */
export function startEventFeed(options: EventFeedOptions): EventFeed {
  const { docker, store, images, engine, execExits, onSynced, log, observer } = options;
  const { auditMs = 300_000 } = options;
  const controller = new AbortController();
  const { promise: firstContact, resolve: markContact } = Promise.withResolvers<void>();
  // The resync that readers must wait for; undefined when the stores are current.
  let syncing: Promise<void> | undefined;
  let synced = false;
  let connections = 0;

  const background = (what: string, work: Promise<unknown>): void => {
    work.catch((err) => {
      if (controller.signal.aborted) return;
      // That the engine is away is told once, when its events break off.
      const level = isDockerError(err, "unavailable") ? "debug" : "warn";
      log[level]({ err, what }, "could not read from the engine");
    });
  };

  /** @param current False once a later connection has made this resync pointless. */
  async function resyncAll(current: () => boolean): Promise<void> {
    for (let attempt = 1; current(); attempt++) {
      try {
        await Promise.all([engine.facts(), store.resync({ full: true }), images.refresh()]);
        if (!current()) return;
        synced = true;
        observer?.resynced();
        onSynced();
        return;
      } catch (err) {
        if (!engine.connected) return;
        // Told once, and not at first: the engine may just be going away, which its events tell.
        log[attempt === 2 ? "warn" : "debug"]({ err }, "could not read the engine, trying again");
        await setTimeout(resyncRetryMs, undefined, { signal: controller.signal });
      }
    }
  }

  function isCurrent(): boolean {
    return synced && engine.connected;
  }

  function startSync(): void {
    synced = false;
    const connection = ++connections;
    const sync = resyncAll(() => connection === connections).finally(() => {
      if (syncing === sync) syncing = undefined;
      markContact();
    });
    syncing = sync;
    background("everything", sync);
  }

  function onEvent(event: EngineEvent): void {
    observer?.event(Date.now() - Number(event.timeNano / 1_000_000n));
    if (event.Type === "daemon") {
      // Runtimes, for one, come and go with the engine's configuration.
      if (event.Action === "reload") background("the engine's facts", engine.refresh());
      return;
    }
    if (event.Type === "image") {
      background("images", images.refresh());
      return;
    }
    const { ID: id, Attributes: attributes } = event.Actor;
    const { execID, exitCode } = attributes;
    if (event.Action === "exec_die" && execID !== undefined && exitCode !== undefined) {
      if (!isShadowed(id)) execExits.report(execID, Number(exitCode));
      return;
    }
    if (event.Action === "extract-to-dir") options.onWritten?.(id);
    if (silent.test(event.Action)) return;
    // Of an abridged event the label may be what was left out.
    if (attributes[TYPE_LABEL] === undefined && event.abridged !== true) return;
    if (event.Action === "destroy") store.forget(id);
    else background("container", store.refresh(id));
  }

  /**
   * Docker puts a container's labels, its image's among them, over an event's own attributes. Who
   * waits for such a command asks the engine.
   */
  function isShadowed(containerId: string): boolean {
    const labels = store.container(containerId)?.inspect.Config.Labels ?? {};
    return "execID" in labels || "exitCode" in labels;
  }

  async function follow(): Promise<void> {
    let lost = false;
    const filters = { type: ["container", "image", "daemon"] };
    for await (const item of docker.events({ filters, signal: controller.signal })) {
      if (item.kind === "event") {
        onEvent(item.event);
      } else if (item.kind === "connected") {
        if (lost) log.info("Docker is reachable again");
        lost = false;
        engine.markConnected();
        startSync();
      } else {
        const { engineMessage: error } = item.error;
        engine.markDisconnected(error);
        markContact();
        observer?.lost();
        lost = true;
        log.warn({ error, hint: adviceFor(item.error) }, "Docker is not reachable");
      }
    }
  }

  const following = follow().catch((err) => {
    if (!controller.signal.aborted) log.error({ err }, "the event feed ended");
  });
  const audited = () => Promise.all([store.resync(), images.refresh()]);
  const audit = setInterval(() => background("audit", audited()), auditMs);
  audit.unref();

  return {
    firstContact,
    get current() {
      return isCurrent();
    },
    async ready() {
      if (isCurrent()) return;
      if (syncing !== undefined && engine.connected) await syncing;
      if (!isCurrent()) {
        throw new ShimError("unavailable", `Docker Engine is out of reach: ${engine.problem}`);
      }
    },
    async stop() {
      clearInterval(audit);
      controller.abort();
      await following;
    },
  };
}

/** What an operator can do about an engine that is away. */
function adviceFor({ code, cause }: DockerError): string {
  const { code: reason } = (cause ?? {}) as NodeJS.ErrnoException;
  if (reason === "EACCES" || reason === "EPERM") return "run dockershim as root";
  if (code === "unsupported_api") return "dockershim needs Docker 20.10 or newer";
  return (
    "start Docker (systemctl start docker), or name its socket with --docker-endpoint; " +
    "dockershim goes on trying"
  );
}
