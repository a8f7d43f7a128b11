import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  type CgroupPath,
  type CgroupReader,
  createCgroupReader,
  readOomKills,
  watchOomKills,
} from "@dockershim/cgroups";
import type { ContainerInspect } from "@dockershim/docker-client";
import { sandboxIdOf } from "@dockershim/pod-sandbox";
import type { Logger } from "pino";
import { hasEnded, type StoreRecord } from "./records.js";
import type { Store, StoreChange } from "./store.js";

/** Which containers the out-of-memory killer took a process of, as their cgroups count it. */
export interface OomKills {
  /** Whether it did of this container, of whose end this may be the first that is heard. */
  has(inspect: ContainerInspect): boolean;
  /** Begins to watch the containers of the store, those that run already included. */
  follow(store: FollowedStore): void;
  /** Forgets all but these containers. */
  sweep(ids: ReadonlySet<string>): void;
  close(): void;
}

type FollowedStore = Pick<Store, "sandboxes" | "containers" | "onChange" | "refresh">;

export interface OomKillsOptions {
  /** Where kills are noted: a container's cgroup goes with it, and its status outlives the daemon. */
  readonly directory: string;
  readonly log: Pick<Logger, "debug" | "warn">;
  readonly open?: () => Pick<CgroupReader, "forPid">;
}

/** A container whose cgroup is watched, and how many kills in it were accounted for. */
interface Watched {
  readonly pid: number;
  readonly path: CgroupPath;
  readonly sandboxId: string;
  counted: bigint;
  end: () => void;
}

/** A pod's cgroup, and how many kills in it were accounted for. */
interface Pod {
  readonly pid: number;
  readonly path: CgroupPath;
  readonly parent: string;
  accounted: bigint;
}

/** The exit code of a process that SIGKILL has ended. */
const killedCode = 137;

/**
 * Docker learns of a kill by an event that often comes after the container's end, and then says
 * `OOMKilled: false` for good. On cgroup v2 the kernel tells us as well. A container's cgroup may be
 * gone before we look, but the pod's counts the same kills and stays: one that nobody else accounts
 * for is that of the container that SIGKILL has just ended. On v1 Docker's word has to do.
 */
export function createOomKills(options: OomKillsOptions): OomKills {
  const { directory, log, open = createCgroupReader } = options;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const killed = new Set(readdirSync(directory));
  const watched = new Map<string, Watched>();
  const pods = new Map<string, Pod>();
  /** Containers whose end was not seen yet. */
  const alive = new Set<string>();
  let reader: Pick<CgroupReader, "forPid"> | undefined;
  let unsubscribe: (() => void) | undefined;
  let refresh: ((id: string) => void) | undefined;

  function note(id: string): void {
    if (killed.has(id)) return;
    killed.add(id);
    try {
      writeFileSync(join(directory, id), "", { mode: 0o600 });
    } catch (err) {
      log.warn({ err, container: id }, "that memory ran out will be forgotten with this daemon");
    }
  }

  function forget(id: string): void {
    alive.delete(id);
    if (killed.delete(id)) rmSync(join(directory, id), { force: true });
  }

  function unwatch(id: string): void {
    watched.get(id)?.end();
    watched.delete(id);
  }

  /** Accounts for so many kills in a container. */
  function count(id: string, container: Watched, total: bigint): void {
    const more = total - container.counted;
    if (more <= 0n) return;
    container.counted = total;
    const pod = pods.get(container.sandboxId);
    if (pod !== undefined) pod.accounted += more;
    if (killed.has(id)) return;
    note(id);
    // It may have been read as ended before the kill was told.
    refresh?.(id);
  }

  function find(pid: number): CgroupPath | undefined {
    reader ??= open();
    return reader.forPid(pid);
  }

  function watch(id: string, pid: number, sandboxId: string): void {
    if (watched.get(id)?.pid === pid) return;
    unwatch(id);
    const path = find(pid);
    if (path === undefined) return;
    const container: Watched = { pid, path, sandboxId, counted: 0n, end: () => undefined };
    const end = watchOomKills(path, (total) => count(id, container, total));
    if (end === undefined) return;
    container.end = end;
    watched.set(id, container);
  }

  /** A pod's cgroup is the one above its pause container's. What it has counted so far is nobody's. */
  function followPod(id: string, pid: number, parent: string): void {
    if (pods.get(id)?.pid === pid) return;
    const own = find(pid);
    if (own?.unified === undefined) return;
    const path = { ...own, unified: dirname(own.unified) };
    const accounted = readOomKills(path);
    if (accounted !== undefined) pods.set(id, { pid, path, parent, accounted });
  }

  /** Whether the pod's cgroup has counted a kill that no other container accounts for. */
  function unaccounted(sandboxId: string): boolean {
    const pod = pods.get(sandboxId);
    if (pod === undefined) return false;
    // Pods that share a cgroup cannot be told apart by it.
    if ([...pods.values()].some((other) => other !== pod && other.parent === pod.parent)) {
      return false;
    }
    for (const [id, container] of watched) {
      if (container.sandboxId !== sandboxId) continue;
      count(id, container, readOomKills(container.path) ?? 0n);
    }
    const total = readOomKills(pod.path) ?? 0n;
    if (total <= pod.accounted) return false;
    pod.accounted = total;
    return true;
  }

  function look(record: StoreRecord): void {
    const { id, inspect } = record;
    const { Pid: pid, Status: status } = inspect.State;
    if (record.kind === "sandbox") {
      const parent = inspect.HostConfig.CgroupParent;
      if (pid > 0 && parent) followPod(id, pid, parent);
      return;
    }
    if (status === "created" || pid > 0) alive.add(id);
    if (pid > 0) watch(id, pid, record.sandboxId);
    else unwatch(id);
  }

  function onChange({ id, after }: StoreChange): void {
    if (after === undefined) {
      unwatch(id);
      forget(id);
      pods.delete(id);
      return;
    }
    try {
      look(after);
    } catch (err) {
      log.debug({ err, id }, "could not watch for kills for want of memory");
    }
  }

  return {
    has(inspect) {
      const { Id: id, State: state } = inspect;
      if (killed.has(id)) return true;
      if (!hasEnded({ inspect }) || !alive.delete(id)) return false;
      const missed = state.ExitCode === killedCode || state.OOMKilled;
      // A kill that Docker told of is accounted for too, and noted: its list does not tell.
      if ((missed && unaccounted(sandboxIdOf(inspect))) || state.OOMKilled) note(id);
      return killed.has(id);
    },
    follow(store) {
      refresh = (id) => {
        store.refresh(id).catch((err) => log.debug({ err, container: id }, "could not be read"));
      };
      unsubscribe = store.onChange(onChange);
      for (const records of [store.sandboxes(), store.containers()]) {
        for (const after of records) onChange({ id: after.id, before: undefined, after });
      }
    },
    sweep(ids) {
      for (const id of killed) if (!ids.has(id)) forget(id);
    },
    close() {
      unsubscribe?.();
      for (const id of watched.keys()) unwatch(id);
    },
  };
}
