import { setTimeout as delay } from "node:timers/promises";
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
import { type DestroyParts, destroyContainer } from "./container-halt.js";

/** What it takes to create a container under a name. */
export interface CreateNamedParts extends DestroyParts {
  readonly docker: DestroyParts["docker"] & {
    readonly containers: Pick<DockerContainers, "create" | "inspect">;
  };
  readonly store: DestroyParts["store"] & Pick<Store, "refresh" | "planned" | "record">;
  readonly log: Pick<Logger, "debug" | "warn">;
  /** How long a name may be taken by what the engine does not know, in ms. */
  readonly makingMs?: number;
}

/** How long it may take to look for what a create made whose reply was lost, in ms. */
const searchDeadlineMs = 30_000;

/** When a name that nothing known has is tried again, in ms. */
const makingPollMs = 100;

/**
 * Creates a container under the name that its plan gives it.
 *
 * The name can be taken by what an earlier attempt left behind. A container of ours that does not
 * run is removed; the name of one that cannot go away, or is another's, is avoided with a suffix, as
 * dockershim did. What was made under such a suffix is held to be of the name as well. One that the
 * engine still makes, for a daemon that was killed over it, has its name before it can be found: it is
 * waited for.
 *
 * The store does not know the container yet: the caller reads it when it has done with it what it
 * does next, so that no read is for nothing.
 *
 * @param signal Heeded before the engine is asked to create and not while it does: it would go on
 * all the same, and nobody would learn the id of what it makes.
 * @param onCreated Called with the id as soon as there is one, so that the caller can undo; also
 * when the creation fails, if something was made all the same.
 * @throws ShimError `already_exists` when a running container of ours has the name;
 * `unavailable` when the engine does not tell who has it, or whether that one is gone: beside it
 * there would be two; `failed_precondition` when the kernel lacks a limit of a block-I/O class.
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

  for (const { id, name } of parts.store.planned(plan.name)) {
    if (name === plan.name) continue;
    await unlessUnanswered(parts, name, signal, () => removeStopped(parts, id, name, signal));
  }
  const { makingMs = 30_000 } = parts;
  const begin = performance.now();
  for (let first = true; ; first = false) {
    try {
      return await create(plan.name);
    } catch (err) {
      if (!isNameConflict(err)) throw err;
      if (first) {
        log.warn({ container: plan.name, error: err.engineMessage }, "container name is taken");
      }
      const name = await freeName(parts, plan.name, err, signal);
      if (name === "free") return await createFreed();
      // There were engines that kept the name of a container that they had lost.
      const kept = name === "kept" || performance.now() - begin > makingMs;
      if (kept) return await create(suffixed());
      await delay(makingPollMs, undefined, { signal });
    }
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

/** What became of a name: `kept` when it cannot be had, `unheld` when no container is found that has it. */
type NameState = "free" | "kept" | "unheld";

/**
 * Removes what holds a name, if that is this daemon's and does not run.
 *
 * @param conflict The engine's word that the name is taken, in which it names the holder.
 * @returns `kept` when the name is another's, or the engine refuses to remove its holder. `unheld`
 * when that is gone, or still being made.
 */
async function freeName(
  parts: CreateNamedParts,
  name: string,
  conflict: DockerError,
  signal: AbortSignal,
): Promise<NameState> {
  return await unlessUnanswered(parts, name, signal, async () => {
    const holder = await unlessRefused(parts.docker.containers.inspect(name, { signal }));
    // Of one that the engine does not let be inspected its list tells, which the store then asks for.
    const id = holder?.Id ?? /[\da-f]{64}/.exec(conflict.engineMessage)?.[0];
    return id === undefined ? "kept" : await removeStopped(parts, id, name, signal);
  });
}

/** Removes a container by its id, if this daemon has it by this name, and it does not run. */
async function removeStopped(
  parts: CreateNamedParts,
  id: string,
  name: string,
  signal: AbortSignal,
): Promise<NameState> {
  await unlessRefused(parts.store.refresh(id));
  const record = parts.store.record(id);
  if (record?.name !== name) return "kept";
  if (record.inspect.State.Running) {
    throw new ShimError("already_exists", `container ${name} runs already as ${id}`);
  }
  await destroyContainer(parts, id, signal);
  return "free";
}

async function unlessUnanswered(
  { log }: CreateNamedParts,
  name: string,
  signal: AbortSignal,
  work: () => Promise<NameState>,
): Promise<NameState> {
  try {
    return await work();
  } catch (err) {
    signal.throwIfAborted();
    if (!isDockerError(err)) throw err;
    if (err.code === "not_found") return "unheld";
    if (!isUnanswered(err)) {
      log.warn({ err, container: name }, "could not free the name");
      return "kept";
    }
    const message = `the name ${name} is taken, and the engine does not tell by what: ${err.message}`;
    throw new ShimError("unavailable", message, { cause: err });
  }
}

/** Undefined when the engine answers that it cannot. */
async function unlessRefused<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (err) {
    if (!isDockerError(err, "server_error") || isUnanswered(err)) throw err;
    return undefined;
  }
}

function isNameConflict(reason: unknown): reason is DockerError {
  return isDockerError(reason, "conflict") && /already in use/i.test(reason.engineMessage);
}
