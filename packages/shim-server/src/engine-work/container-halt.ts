import { type DockerClient, isDockerError } from "@dockershim/docker-client";
import type { Store } from "../state/store.js";

interface Parts {
  readonly docker: Pick<DockerClient, "containers">;
  readonly store: Store;
}

/**
 * Stops a container: its stop signal, then SIGKILL after the grace period.
 *
 * @param graceSeconds 0 kills at once. One that is stopped or gone already is fine.
 */
export async function haltContainer(
  { docker, store }: Parts,
  id: string,
  graceSeconds: number,
  signal: AbortSignal,
): Promise<void> {
  try {
    await docker.containers.stop(id, { timeoutSeconds: graceSeconds, signal });
  } catch (err) {
    if (!isDockerError(err, "not_found")) throw err;
  }
  await store.refresh(id);
}

/** Removes a container by force, running or not. One that is gone already is fine. */
export async function destroyContainer(
  { docker, store }: Parts,
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
  docker: Parts["docker"],
  id: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await docker.containers.wait(id, { condition: "removed", signal });
  } catch (err) {
    if (!isDockerError(err, "not_found")) throw err;
  }
}
