import {
  type ContainerCreateBody,
  type ContainerCreated,
  type DockerContainers,
  type DockerError,
  isDockerError,
} from "@dockershim/docker-client";
import { type CreateContainerBody, INSTANCE_LABEL, withSuffix } from "@dockershim/pod-sandbox";
import type { Logger } from "pino";
import { ShimError } from "../shim-error.js";
import type { Store } from "../state/store.js";

/** What it takes to create a container under a name. */
export interface CreateNamedParts {
  readonly docker: { readonly containers: Pick<DockerContainers, "create" | "inspect" | "remove"> };
  readonly store: Pick<Store, "refresh" | "named" | "forget">;
  readonly log: Pick<Logger, "debug" | "warn">;
}

/** How long it may take to look for what a create made whose reply was lost, in ms. */
const searchDeadlineMs = 30_000;

/**
 * Creates a container under the name that its plan gives it.
 *
 * The name can be taken by what an earlier attempt left behind. A container of ours that does not
 * run is removed; the name of one that cannot go away is avoided with a suffix, as dockershim did.
 *
 * The store does not know the container yet: the caller reads it when it has done with it what it
 * does next, so that no read is for nothing.
 *
 * @param signal Heeded before the engine is asked to create and not while it does: it would go on
 * all the same, and nobody would learn the id of what it makes.
 * @param onCreated Called with the id as soon as there is one, so that the caller can undo; also
 * when the creation fails, if something was made all the same.
 * @throws ShimError `already_exists` when a running container of ours has the name;
 * `failed_precondition` when the kernel lacks a limit of a block-I/O class.
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
    signal.throwIfAborted();
    const { Id, Warnings } = await askToCreate(name);
    onCreated(Id);
    for (const warning of Warnings ?? []) {
      log.debug({ container: name }, warning);
      // Other limits that a kernel lacks are planned without; this one only a class asks for.
      if (!/Block I\/O.* discarded/.test(warning)) continue;
      throw new ShimError("failed_precondition", `a limit of the block-I/O class: ${warning}`);
    }
    return Id;
  }

  async function askToCreate(name: string): Promise<ContainerCreated> {
    try {
      return await docker.containers.create(body, { name });
    } catch (err) {
      if (isUnanswered(err)) {
        const made = await findUnstarted(parts, name, body);
        if (made !== undefined) onCreated(made);
      }
      throw err;
    }
  }

  try {
    return await create(plan.name);
  } catch (err) {
    if (!isNameConflict(err)) throw err;
    log.warn({ container: plan.name, error: err.engineMessage }, "container name is taken");
    if (!(await freeName(parts, plan.name, signal))) return await create(suffixed());
    return await createFreed();
  }

  /** What has a name that was free is what the engine made of this request, if that reached it twice. */
  async function createFreed(): Promise<string> {
    try {
      return await create(plan.name);
    } catch (err) {
      const made = isNameConflict(err) && (await findUnstarted(parts, plan.name, body));
      if (!made) throw err;
      onCreated(made);
      return made;
    }
  }

  function suffixed(): string {
    return withSuffix(plan.name, Math.floor(Math.random() * 0xffff_ffff));
  }
}

/** Whether the engine may have created it: its reply was lost, or was a success that makes no sense. */
function isUnanswered(reason: unknown): boolean {
  if (isDockerError(reason, "unavailable", "deadline_exceeded")) return true;
  return isDockerError(reason, "server_error") && reason.status === undefined;
}

/** The id of what a create made that was not answered; undefined when there is nothing. */
async function findUnstarted(
  { docker, log }: CreateNamedParts,
  name: string,
  body: ContainerCreateBody,
): Promise<string | undefined> {
  try {
    const signal = AbortSignal.timeout(searchDeadlineMs);
    const { Id, State, Config } = await docker.containers.inspect(name, { signal });
    // Under that name may also be what was there before, and would have been refused for.
    const owner = Config.Labels?.[INSTANCE_LABEL];
    return State.Status === "created" && owner === body.Labels?.[INSTANCE_LABEL] ? Id : undefined;
  } catch (err) {
    if (!isDockerError(err, "not_found")) {
      log.warn({ err, container: name }, "could not find out whether a container was created");
    }
    return undefined;
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
    if (store.named(name)?.id !== holder.Id) return false;
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
