import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CgroupReader, createCgroupReader, watchOomKills } from "@dockershim/cgroups";
import type { Logger } from "pino";
import type { Store, StoreChange } from "./store.js";

/** Which containers the out-of-memory killer took a process of, as their cgroups count it. */
export interface OomKills {
  has(id: string): boolean;
  /** Begins to watch the containers of the store, those that run already included. */
  follow(store: Pick<Store, "containers" | "onChange" | "refresh">): void;
  /** Forgets all but these containers. */
  sweep(ids: ReadonlySet<string>): void;
  close(): void;
}

export interface OomKillsOptions {
  /** Where kills are noted: a container's cgroup goes with it, and its status outlives the daemon. */
  readonly directory: string;
  readonly log: Pick<Logger, "debug" | "warn">;
  readonly open?: () => Pick<CgroupReader, "forPid">;
}

/**
 * Docker learns of a kill by an event that often comes after the container's end, and then says
 * `OOMKilled: false` for good. On cgroup v2 the kernel tells us as well. On v1 it does not, and
 * Docker's word has to do.
 */
export function createOomKills(options: OomKillsOptions): OomKills {
  const { directory, log, open = createCgroupReader } = options;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const killed = new Set(readdirSync(directory));
  const watched = new Map<string, { readonly pid: number; readonly end: () => void }>();
  let reader: Pick<CgroupReader, "forPid"> | undefined;
  let unsubscribe: (() => void) | undefined;

  function note(id: string): void {
    killed.add(id);
    try {
      writeFileSync(join(directory, id), "");
    } catch (err) {
      log.warn({ err, container: id }, "that memory ran out will be forgotten with this daemon");
    }
  }

  function forget(id: string): void {
    if (killed.delete(id)) rmSync(join(directory, id), { force: true });
  }

  function unwatch(id: string): void {
    watched.get(id)?.end();
    watched.delete(id);
  }

  function watch(id: string, pid: number, onKill: () => void): void {
    if (killed.has(id) || watched.get(id)?.pid === pid) return;
    unwatch(id);
    try {
      reader ??= open();
      const path = reader.forPid(pid);
      const end = path && watchOomKills(path, onKill);
      if (end !== undefined) watched.set(id, { pid, end });
    } catch (err) {
      log.debug({ err, container: id }, "could not watch for kills for want of memory");
    }
  }

  return {
    has: (id) => killed.has(id),
    follow(store) {
      const look = ({ id, after }: Pick<StoreChange, "id" | "after">): void => {
        if (after === undefined) forget(id);
        const pid = after?.kind === "container" ? after.inspect.State.Pid : 0;
        if (pid <= 0) unwatch(id);
        else watch(id, pid, () => onKill(id));
      };
      const onKill = (id: string): void => {
        note(id);
        unwatch(id);
        // It may have been read as ended before the kill was told.
        store.refresh(id).catch((err) => log.debug({ err, container: id }, "could not be read"));
      };
      unsubscribe = store.onChange(look);
      for (const record of store.containers()) look({ id: record.id, after: record });
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
