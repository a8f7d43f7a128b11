import {
  type ContainerCreateBody,
  type DockerContainers,
  type DockerError,
  isDockerError,
} from "@dockershim/docker-client";
import { type CreateContainerBody, withSuffix } from "@dockershim/pod-sandbox";
import type { Logger } from "pino";
import { ShimError } from "../shim-error.js";
import type { Store } from "../state/store.js";

/** What it takes to create a container under a name. */
export interface CreateNamedParts {
  readonly docker: { readonly containers: Pick<DockerContainers, "create" | "inspect" | "remove"> };
  readonly store: Pick<Store, "refresh" | "container" | "sandbox" | "forget">;
  readonly log: Pick<Logger, "debug" | "warn">;
}

/**
 * Creates a container under the name that its plan gives it.
 *
 * The name can be taken by what an earlier attempt left behind. A container of ours that does not
 * run is removed; the name of one that cannot go away is avoided with a suffix, as dockershim did.
 *
 * The store does not know the container yet: the caller reads it when it has done with it what it
 * does next, so that no read is for nothing.
 *
 * @param onCreated Called with the id as soon as there is one, so that the caller can undo.
 * @throws ShimError `already_exists` when a running container of ours has the name.
 */
export async function createContainerNamed(
  parts: CreateNamedParts,
  plan: { readonly name: string; readonly body: CreateContainerBody },
  signal: AbortSignal,
  onCreated: (id: string) => void,
): Promise<string> {
  const { docker, log } = parts;
  const body: ContainerCreateBody = plan.body;

  async function create(name: string): Promise<string> {
    const { Id, Warnings } = await docker.containers.create(body, { name, signal });
    onCreated(Id);
    for (const warning of Warnings ?? []) log.debug({ container: name }, warning);
    return Id;
  }

  try {
    return await create(plan.name);
  } catch (err) {
    if (!isNameConflict(err)) throw err;
    log.warn({ container: plan.name, error: err.engineMessage }, "container name is taken");
    return await create((await freeName(parts, plan.name, signal)) ? plan.name : suffixed());
  }

  function suffixed(): string {
    return withSuffix(plan.name, Math.floor(Math.random() * 0xffff_ffff));
  }
}

/** Removes what holds a name. @returns False when it cannot be had. */
async function freeName(
  { docker, store, log }: CreateNamedParts,
  name: string,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const holder = await docker.containers.inspect(name, { signal });
    await store.refresh(holder.Id);
    const ours = store.container(holder.Id) ?? store.sandbox(holder.Id);
    if (ours === undefined) return false;
    if (holder.State.Running) {
      throw new ShimError("already_exists", `container ${name} runs already as ${holder.Id}`);
    }
    await docker.containers.remove(holder.Id, { force: true, volumes: true, signal });
    store.forget(holder.Id);
    return true;
  } catch (err) {
    if (err instanceof ShimError) throw err;
    // Gone in the meantime: the name is free. Anything else: step around it.
    if (isDockerError(err, "not_found")) return true;
    log.warn({ err, container: name }, "could not free the name");
    return false;
  }
}

function isNameConflict(reason: unknown): reason is DockerError {
  return isDockerError(reason, "conflict") && /already in use/i.test(reason.engineMessage);
}
