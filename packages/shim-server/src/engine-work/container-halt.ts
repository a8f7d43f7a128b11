import { type DockerContainers, isDockerError } from "@dockershim/docker-client";
import { hasEnded } from "../state/records.js";
import type { Store } from "../state/store.js";

/** What it takes to stop a container. */
export interface HaltParts {
  readonly docker: { readonly containers: Pick<DockerContainers, "stop"> };
  readonly store: Pick<Store, "refreshUntil">;
}

/** What it takes to remove one. */
export interface DestroyParts {
  readonly docker: { readonly containers: Pick<DockerContainers, "remove" | "wait"> };
  readonly store: Pick<Store, "forget">;
}

/**
 * Stops a container: its stop signal, then SIGKILL after the grace period.
 *
 * @param graceSeconds 0 kills at once. One that is stopped or gone already is fine.
 */
export async function haltContainer(
  { docker, store }: HaltParts,
  id: string,
  graceSeconds: number,
  signal: AbortSignal,
): Promise<void> {
  try {
    await docker.containers.stop(id, { timeoutSeconds: graceSeconds, signal });
  } catch (err) {
    if (!isDockerError(err, "not_found")) throw err;
  }
  await store.refreshUntil(id, hasEnded);
}

/** Removes a container by force, running or not. One that is gone already is fine. */
export async function destroyContainer(
  { docker, store }: DestroyParts,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await docker.containers.remove(id, { force: true, volumes: true, signal });
  } catch (err) {
    if (isDockerError(err, "conflict") && /already in progress/i.test(err.engineMessage)) {
      await waitUntilRemoved(docker, id, signal);
    } else if (!isDockerError(err, "not_found")) {
      throw err;
    }
  }
  store.forget(id);
}

async function waitUntilRemoved(
  docker: DestroyParts["docker"],
  id: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await docker.containers.wait(id, { condition: "removed", signal });
  } catch (err) {
    if (!isDockerError(err, "not_found")) throw err;
  }
}
