import { setTimeout as delay } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { LinuxContainerResourcesSchema, type StartContainerRequest } from "@dockershim/cri-types";
import { type DockerContainers, type DockerError, isDockerError } from "@dockershim/docker-client";
import {
  type CgroupWrite,
  type EngineFacts,
  planResources,
  validateContainerResources,
} from "@dockershim/pod-sandbox";
import type { Logger } from "pino";
import { createUndoStack } from "../async/undo-stack.js";
import type { CallContext } from "../call.js";
import type { CgroupLimits } from "../engine-work/cgroup-limits.js";
import { type HaltParts, haltContainer } from "../engine-work/container-halt.js";
import type { ContainerLogs } from "../logs/container-logs.js";
import type { Nri } from "../nri/nri.js";
import { ShimError } from "../shim-error.js";
import type { ContainerSpecs } from "../spec-hook/container-specs.js";
import { type ContainerLookup, requireContainer } from "../state/container-lookup.js";
import type { Engine } from "../state/engine.js";
import { wasStarted } from "../state/records.js";
import type { Store } from "../state/store.js";
import type { UnmanagedLimitsStore } from "../state/unmanaged-limits.js";

/** What StartContainer uses. */
export interface ContainerStartParts extends HaltParts {
  readonly docker: { readonly containers: Pick<DockerContainers, "start" | "stop"> };
  readonly engine: Pick<Engine, "facts">;
  readonly store: ContainerLookup & Pick<Store, "refresh" | "refreshUntil">;
  readonly specs: Pick<ContainerSpecs, "during">;
  readonly logs: Pick<ContainerLogs, "started">;
  readonly cgroupLimits: Pick<CgroupLimits, "apply">;
  readonly unmanagedLimits: Pick<UnmanagedLimitsStore, "of">;
  readonly nri: Pick<Nri, "hold" | "startContainer">;
  readonly log: Logger;
}

/** How long after each other a container is read again whose read was cut, in ms. */
const readAgainMs = [50, 200, 1_000];

/**
 * StartContainer: starts a created container.
 *
 * The engine goes on with a start whose caller has left, so it is not broken off: the container
 * gets its limits and its log. If the start's reply is lost, the container's state tells. A read
 * behind it that is cut is made again: a kubelet that heard of an error would not run the
 * container's postStart hook. If the engine tells of it in its list only, it is started all the same.
 *
 * @throws ShimError `failed_precondition` for one that was started before: CRI containers run
 * once. `internal` with the engine's words when it cannot be started, whatever status the engine
 * gives that (a missing executable is a 404 there).
 */
export function createContainerStart(
  parts: ContainerStartParts,
): (request: StartContainerRequest, call: CallContext) => Promise<Record<string, never>> {
  const { docker, engine, store, specs, logs, cgroupLimits, unmanagedLimits, nri, log } = parts;

  /** @returns The error of a start of which nobody knows whether it was done. */
  async function start(id: string): Promise<DockerError | undefined> {
    try {
      await specs.during(id, () => docker.containers.start(id));
      return undefined;
    } catch (err) {
      if (isDockerError(err, "unavailable", "deadline_exceeded")) return err;
      await store.refresh(id);
      if (!isDockerError(err, "not_found", "invalid_argument", "server_error", "conflict")) {
        throw err;
      }
      requireContainer(store, id);
      throw new ShimError("internal", `could not start the container: ${err.engineMessage}`, {
        cause: err,
      });
    }
  }

  /** @throws DockerError when that is cut, or refused, again and again; others at once. */
  async function read(id: string): Promise<void> {
    for (const againMs of readAgainMs) {
      try {
        return await store.refreshUntil(id, wasStarted);
      } catch (err) {
        if (!isDockerError(err, "unavailable", "server_error")) throw err;
        await delay(againMs);
      }
    }
    await store.refreshUntil(id, wasStarted);
  }

  /** Limits are written as early as can be: the cgroup exists since the start only. */
  async function limit(
    id: string,
    limits: readonly CgroupWrite[],
    facts: EngineFacts,
  ): Promise<void> {
    const undo = createUndoStack(log);
    if (limits.length > 0) {
      // It must not run without a limit that it was asked to have.
      undo.push("stop the container", (cleanup) => haltContainer(parts, id, 0, cleanup));
    }
    try {
      await read(id);
      const started = store.container(id);
      if (started !== undefined) await cgroupLimits.apply(started, limits, facts);
    } catch (err) {
      await undo.run();
      // Calls that come next are answered by what the store has.
      const known = store.container(id)?.inspect.State.Status !== "created";
      if (limits.length > 0 || !known || !isDockerError(err)) throw err;
      log.warn({ err, container: id }, "a container was started, and cannot be read");
    }
  }

  async function startLimited(
    id: string,
    limits: readonly CgroupWrite[],
    facts: EngineFacts,
  ): Promise<void> {
    const lost = await start(id);
    await limit(id, limits, facts);
    const started = store.container(id);
    if (lost !== undefined && started !== undefined && !wasStarted(started)) throw lost;
    if (started !== undefined) await logs.started(started);
  }

  return async ({ containerId }, { signal }) => {
    const record = requireContainer(store, containerId);
    const { Status: status } = record.inspect.State;
    if (status !== "created") {
      throw new ShimError("failed_precondition", `container_id: container is ${status}`);
    }
    const limits = create(LinuxContainerResourcesSchema, unmanagedLimits.of(record));
    validateContainerResources(limits);
    const facts = await engine.facts(signal);
    const { cgroupWrites } = planResources(limits, facts);
    const release = await nri.hold(signal);
    try {
      const over = await nri.startContainer(record);
      try {
        await startLimited(record.id, cgroupWrites, facts);
      } finally {
        const started = store.container(record.id);
        await over(started !== undefined && wasStarted(started) ? started : undefined);
      }
      return {};
    } finally {
      release();
    }
  };
}
