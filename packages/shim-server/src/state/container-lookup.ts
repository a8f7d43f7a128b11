import { ShimError } from "../shim-error.js";
import { findById } from "./id-lookup.js";
import type { ContainerRecord } from "./records.js";
import type { Store } from "./store.js";

/** What it takes to look a container up. */
export type ContainerLookup = Pick<Store, "container" | "containers">;

/**
 * The container that a request names, by id or by an unambiguous prefix of it.
 *
 * @returns Undefined for a whole id that is unknown.
 * @throws ShimError like {@link findById}.
 */
export function findContainer(store: ContainerLookup, id: string): ContainerRecord | undefined {
  return findById(
    {
      field: "container_id",
      kind: "container",
      get: store.container,
      all: store.containers,
    },
    id,
  );
}

/**
 * The container that a request names.
 *
 * @throws ShimError like {@link findContainer}, and `not_found` for an unknown container.
 */
export function requireContainer(store: ContainerLookup, id: string): ContainerRecord {
  const record = findContainer(store, id);
  if (record === undefined) throw new ShimError("not_found", `container_id: no container ${id}`);
  return record;
}

/**
 * The container that a request wants to do something in.
 *
 * @throws ShimError like {@link requireContainer}, and `failed_precondition` for one that is not
 * running.
 */
export function requireRunning(store: ContainerLookup, id: string): ContainerRecord {
  const record = requireContainer(store, id);
  const { Status: status } = record.inspect.State;
  if (status !== "running") {
    throw new ShimError("failed_precondition", `container_id: container ${id} is ${status}`);
  }
  return record;
}
