import { ShimError } from "../shim-error.js";
import type { ContainerRecord } from "./records.js";
import { requireId } from "./require-id.js";
import type { Store } from "./store.js";

/**
 * The container that a request names.
 *
 * @throws ShimError `invalid_argument` for what is no id, `not_found` for an unknown container.
 */
export function requireContainer(store: Pick<Store, "container">, id: string): ContainerRecord {
  requireId("container_id", id);
  const record = store.container(id);
  if (record === undefined) throw new ShimError("not_found", `container_id: no container ${id}`);
  return record;
}

/**
 * The container that a request wants to do something in.
 *
 * @throws ShimError like {@link requireContainer}, and `failed_precondition` for one that is not
 * running.
 */
export function requireRunning(store: Pick<Store, "container">, id: string): ContainerRecord {
  const record = requireContainer(store, id);
  const { Status: status } = record.inspect.State;
  if (status !== "running") {
    throw new ShimError("failed_precondition", `container_id: container ${id} is ${status}`);
  }
  return record;
}
