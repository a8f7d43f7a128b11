import {
  type ContainerInspect,
  type ContainerSummary,
  type DockerContainers,
  isDockerError,
} from "@dockershim/docker-client";
import { PodSandboxError, TYPE_LABEL } from "@dockershim/pod-sandbox";
import type { Logger } from "pino";
import { BoundedMap } from "../async/bounded-map.js";
import { createRefreshQueue } from "../async/refresh-queue.js";
import { createRetries } from "../async/retries.js";
import { within } from "../async/within.js";
import { listedInspect } from "./listed-inspect.js";
import { type ContainerRecord, type SandboxRecord, type StoreRecord, toRecord } from "./records.js";
import { isUnreadable } from "./unreadable.js";

/** A change of one record: `before` is undefined for a new one, `after` for one that is gone. */
export interface StoreChange {
  readonly id: string;
  readonly before: StoreRecord | undefined;
  readonly after: StoreRecord | undefined;
}

/** What the daemon knows of its sandboxes and containers, in memory. */
export interface Store {
  /** A sandbox that is not being made just now. */
  sandbox(id: string): SandboxRecord | undefined;
  /** A container that is not being made just now. */
  container(id: string): ContainerRecord | undefined;
  /** All sandboxes that are not being made just now. */
  sandboxes(): Iterable<SandboxRecord>;
  /** All containers that are not being made just now. */
  containers(): Iterable<ContainerRecord>;
  /** Those that are being made included. */
  containersOf(sandboxId: string): ContainerRecord[];
  /** Any record by its id, one that is being made included. */
  record(id: string): StoreRecord | undefined;
  /**
   * What was made by a plan of this name, one that is being made included. After a conflict its name
   * in Docker has a suffix; if what had the name before cannot be removed, there are several.
   */
  planned(name: string): StoreRecord[];
  /**
   * Reads one container from Docker; on return the store holds a state later than the call.
   *
   * @throws DockerError when the engine does not let it be read; it is tried again in the
   * background. The store then holds what the engine's list tells, if the engine is there.
   */
  refresh(id: string): Promise<void>;
  /**
   * {@link Store.refresh} for a change of ours that a record shows: a read that an event has begun
   * may have seen it already, for the engine tells its events before it replies.
   *
   * @param shows Whether a record is of after the change.
   */
  refreshUntil(id: string, shows: (record: StoreRecord) => boolean): Promise<void>;
  /** How many containers could not be read when they last were to be. */
  readonly unread: number;
  /** What those are called in the engine, as far as its list tells. */
  unreadNames(): string[];
  /** Records that a container was removed. Its id never comes back. */
  forget(id: string): void;
  /** Compares all with Docker and reads what is new, changed or asked for. */
  resync(options?: { full?: boolean }): Promise<void>;
  /**
   * Keeps what is made by a plan of this name from now on out of what can be looked up by id, listed,
   * and of the changes, until the function it returns is called first; then it appears as new.
   */
  conceal(name: string): () => void;
  onChange(listener: (change: StoreChange) => void): () => void;
  /** Ends what goes on in the background. */
  close(): void;
}

export interface StoreOptions {
  readonly containers: Pick<DockerContainers, "inspect" | "list">;
  readonly owns: (labels: Readonly<Record<string, string>> | null | undefined) => boolean;
  readonly log: Logger;
  /** Whether a container's cgroup has counted a kill for want of memory, whatever Docker says. */
  readonly oomKilled?: (inspect: ContainerInspect) => boolean;
  /** Awaited before a state of a container is put in the store. */
  readonly beforePublish?: (record: ContainerRecord) => Promise<void>;
  /** How long the engine may take to answer one inspect, in ms. */
  readonly readDeadlineMs?: number;
  /** How long a resync waits for one inspect before the list has to do, in ms. */
  readonly patienceMs?: number;
  /** When a container that could not be read is tried again, in ms. */
  readonly retryMs?: { readonly firstMs: number; readonly mostMs: number };
}

const yes = (): boolean => true;
const no = (): boolean => false;

/** So many inspects run at once in a resync: the engine answers each in a ms or two. */
const resyncParallel = 16;

export function createStore(options: StoreOptions): Store {
  const { containers: docker, owns, log, beforePublish } = options;
  const records = new Map<string, StoreRecord>();
  /** Ids by planned name. */
  const byPlan = new Map<string, Set<string>>();
  const bySandbox = new Map<string, Set<string>>();
  /** Planned names of what is being made; with the ids of what had them before, which is not hidden. */
  const concealed = new Map<string, ReadonlySet<string>>();
  // Docker never gives an id twice, and memory is finite. Each time something is called gone is another.
  const removed = new BoundedMap<string, symbol>(4096);
  const listeners = new Set<(change: StoreChange) => void>();
  const { readDeadlineMs = 10_000, patienceMs = 2_000 } = options;
  const queue = createRefreshQueue(read);
  const retries = createRetries(
    (id) => void queue.refresh(id).catch(() => undefined),
    options.retryMs ?? { firstMs: 1_000, mostMs: 60_000 },
  );

  async function read(id: string): Promise<void> {
    const gone = removed.get(id);
    try {
      const inspect = await docker.inspect(id, { signal: AbortSignal.timeout(readDeadlineMs) });
      retries.done(id);
      if (removed.get(id) !== gone) return;
      // Called gone before this read began, and it is there: the engine lists what it still makes,
      // and inspects it a moment later.
      removed.delete(id);
      if (!owns(inspect.Config.Labels)) return;
      const record = recordOf(inspect);
      if (record === undefined) return;
      if (record.kind === "container") await beforePublish?.(record);
      if (!removed.has(id)) put(record);
    } catch (err) {
      if (isDockerError(err, "not_found")) return drop(id);
      const listed = isUnreadable(err) && (await readFromList(id, err).then(yes, no));
      // What nothing tells of while events go on is followed by no resync.
      if (!listed && (isUnreadable(err) || isDockerError(err, "unavailable"))) retries.schedule(id);
      throw err;
    }
  }

  /** One container that cannot be read must not keep the others from being served. */
  async function readFromList(id: string, reason: unknown): Promise<void> {
    const filters = { id: [id] };
    const signal = AbortSignal.timeout(readDeadlineMs);
    const [summary] = await docker.list({ all: true, filters, signal });
    if (summary === undefined) return drop(id);
    if (removed.has(id) || !owns(summary.Labels)) return;
    const error = reason instanceof Error ? reason.message : String(reason);
    putListed(summary, error);
  }

  function putListed(summary: ContainerSummary, error: string): void {
    const { Id: id } = summary;
    const previous = records.get(id);
    if (previous?.unread !== true) {
      log.warn({ id, names: summary.Names, error }, "Docker does not let a container be read");
    }
    const record = recordOf(listedInspect(summary, previous?.inspect), true);
    if (record !== undefined) put(record);
    retries.schedule(id);
  }

  /**
   * The record of an owned container; undefined for one that is none of a pod in spite of its
   * labels. A container that somebody renames stays the pod's: its process is the same, and a
   * store that refused it would be blind to its end.
   */
  function recordOf(inspect: ContainerInspect, unread = false): StoreRecord | undefined {
    const previous = records.get(inspect.Id);
    if (options.oomKilled?.(inspect) && !inspect.State.OOMKilled) {
      inspect = { ...inspect, State: { ...inspect.State, OOMKilled: true } };
    }
    try {
      return toRecord(inspect, previous, unread);
    } catch (err) {
      if (!(err instanceof PodSandboxError)) throw err;
      if (previous !== undefined) {
        return toRecord({ ...inspect, Name: previous.name }, previous, unread);
      }
      log.warn(
        { id: inspect.Id, name: inspect.Name },
        "a container with a pod's labels is left out",
      );
      return undefined;
    }
  }

  function put(record: StoreRecord): void {
    const before = records.get(record.id);
    if (before !== undefined && before.plannedName !== record.plannedName) {
      removeFrom(byPlan, before.plannedName, record.id);
    }
    records.set(record.id, record);
    addTo(byPlan, record.plannedName, record.id);
    if (record.kind === "container") addTo(bySandbox, record.sandboxId, record.id);
    notify({ id: record.id, before, after: record });
  }

  function drop(id: string): void {
    removed.set(id, Symbol(id));
    retries.done(id);
    const before = records.get(id);
    if (before === undefined) return;
    records.delete(id);
    removeFrom(byPlan, before.plannedName, id);
    if (before.kind === "container") removeFrom(bySandbox, before.sandboxId, id);
    notify({ id, before, after: undefined });
  }

  function isConcealed({ id, plannedName }: StoreRecord): boolean {
    return concealed.size > 0 && concealed.get(plannedName)?.has(id) === false;
  }

  function notify(change: StoreChange): void {
    const record = change.after ?? change.before;
    if (record !== undefined && isConcealed(record)) return;
    for (const listener of listeners) listener(change);
  }

  async function resync(full: boolean): Promise<void> {
    const known = new Set(records.keys());
    const gone = [...removed.keys()];
    const listed = await docker.list({ all: true, filters: { label: [TYPE_LABEL] } });
    const owned = listed.filter((summary) => owns(summary.Labels));
    const present = new Set(owned.map((summary) => summary.Id));
    // Only what was known before the list was asked for can be judged by its absence.
    for (const id of known) if (!present.has(id)) drop(id);
    // What the engine called gone before the list, and lists, it was wrong about.
    for (const id of gone) if (present.has(id)) removed.delete(id);
    const stale = owned.filter((summary) => {
      const record = records.get(summary.Id);
      return full || record === undefined || record.inspect.State.Status !== summary.State;
    });
    const waiting = [...stale];
    const worker = async (): Promise<void> => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        await readOrList(next);
      }
    };
    await Promise.all(Array.from({ length: resyncParallel }, worker));
    log.debug({ containers: owned.length, read: stale.length }, "store resynced");
  }

  /** Reads a container for a resync, which one that is not answered must not hold up. */
  async function readOrList(summary: ContainerSummary): Promise<void> {
    const reading = queue.refresh(summary.Id).catch((err: unknown) => {
      if (!isUnreadable(err)) throw err;
    });
    if ((await within(reading, patienceMs)) !== "late") return;
    reading.catch((err) => log.warn({ err, id: summary.Id }, "could not read from the engine"));
    if (!removed.has(summary.Id)) putListed(summary, `no answer for ${patienceMs} ms`);
  }

  function recordsOf(ids: Iterable<string> = []): StoreRecord[] {
    return [...ids].flatMap((id) => records.get(id) ?? []);
  }

  return {
    get unread() {
      return retries.size;
    },
    unreadNames: () =>
      [...records.values()].flatMap(({ unread, inspect }) =>
        unread ? [inspect.Name.replace(/^\//, "")] : [],
      ),
    close: retries.close,
    sandbox(id) {
      const record = records.get(id);
      return record?.kind === "sandbox" && !isConcealed(record) ? record : undefined;
    },
    container(id) {
      const record = records.get(id);
      return record?.kind === "container" && !isConcealed(record) ? record : undefined;
    },
    *sandboxes() {
      for (const record of records.values()) {
        if (record.kind === "sandbox" && !isConcealed(record)) yield record;
      }
    },
    *containers() {
      for (const record of records.values()) {
        if (record.kind === "container" && !isConcealed(record)) yield record;
      }
    },
    containersOf(sandboxId) {
      return recordsOf(bySandbox.get(sandboxId)).filter((record) => record.kind === "container");
    },
    record: (id) => records.get(id),
    planned: (name) => recordsOf(byPlan.get(name)),
    refresh: (id) => queue.refresh(id),
    async refreshUntil(id, shows) {
      await queue.running(id)?.catch(() => undefined);
      const record = records.get(id);
      if (record === undefined || record.unread || !shows(record)) await queue.refresh(id);
    },
    forget: drop,
    resync: ({ full = false } = {}) => resync(full),
    conceal(name) {
      const before = new Set(byPlan.get(name));
      concealed.set(name, before);
      return () => {
        if (!concealed.delete(name)) return;
        for (const after of recordsOf(byPlan.get(name))) {
          if (!before.has(after.id)) notify({ id: after.id, before: undefined, after });
        }
      };
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function addTo(index: Map<string, Set<string>>, key: string, id: string): void {
  index.set(key, (index.get(key) ?? new Set()).add(id));
}

function removeFrom(index: Map<string, Set<string>>, key: string, id: string): void {
  const ids = index.get(key);
  ids?.delete(id);
  if (ids?.size === 0) index.delete(key);
}
