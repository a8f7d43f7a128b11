import { setTimeout } from "node:timers/promises";
import type { DockerClient, EngineEvent } from "@dockershim/docker-client";
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
      if (!controller.signal.aborted) log.warn({ err, what }, "could not read from the engine");
    });
  };

  /** @param current False once a later connection has made this resync pointless. */
  async function resyncAll(current: () => boolean): Promise<void> {
    while (current()) {
      try {
        await Promise.all([engine.facts(), store.resync({ full: true }), images.refresh()]);
        if (!current()) return;
        synced = true;
        observer?.resynced();
        onSynced();
        return;
      } catch (err) {
        if (!engine.connected) return;
        log.warn({ err }, "could not read the engine, trying again");
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
    if (event.Action === "exec_die" && attributes.execID !== undefined) {
      execExits.report(attributes.execID, Number(attributes.exitCode));
      return;
    }
    if (silent.test(event.Action) || attributes[TYPE_LABEL] === undefined) return;
    if (event.Action === "destroy") store.forget(id);
    else background("container", store.refresh(id));
  }

  async function follow(): Promise<void> {
    const filters = { type: ["container", "image", "daemon"] };
    for await (const item of docker.events({ filters, signal: controller.signal })) {
      if (item.kind === "event") {
        onEvent(item.event);
      } else if (item.kind === "connected") {
        engine.markConnected();
        startSync();
      } else {
        engine.markDisconnected(item.error.message);
        markContact();
        observer?.lost();
        log.warn({ error: item.error.message }, "lost the engine's events");
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
