import { findById, type IdLookup, requireById, requireRunningById } from "./id-lookup.js";
import type { ContainerRecord } from "./records.js";
import type { Store } from "./store.js";

/** What it takes to look a container up. */
export type ContainerLookup = Pick<Store, "container" | "containers">;

function among(store: ContainerLookup): IdLookup<ContainerRecord> {
  const { container: get, containers: all } = store;
  return { field: "container_id", kind: "container", get, all };
}

/** The container that a request names; see {@link findById}. */
export function findContainer(store: ContainerLookup, id: string): ContainerRecord | undefined {
  return findById(among(store), id);
}

/** The container that a request names; see {@link requireById}. */
export function requireContainer(store: ContainerLookup, id: string): ContainerRecord {
  return requireById(among(store), id);
}

/**
 * Whether all that is known of a container is its entry in the engine's list: the engine has not let it be read since the
 * daemon started.
 */
export function isListedOnly({ unread, inspect }: ContainerRecord): boolean {
  return unread && inspect.HostConfig.LogConfig === undefined;
}

/**
 * A container with all that was decided when it was made. One that is listed only is read first.
 *
 * @throws DockerError when the engine does not let it be read.
 */
export async function readIfListedOnly(
  store: ContainerLookup & Pick<Store, "refresh">,
  record: ContainerRecord,
): Promise<ContainerRecord> {
  if (!isListedOnly(record)) return record;
  await store.refresh(record.id);
  return requireContainer(store, record.id);
}

/** The container that a request wants to do something in; see {@link requireRunningById}. */
export function requireRunning(store: ContainerLookup, id: string): ContainerRecord {
  return requireRunningById(among(store), id);
}
