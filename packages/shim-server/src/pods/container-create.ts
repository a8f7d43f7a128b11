import { type CreateContainerRequest, NamespaceMode } from "@dockershim/cri-types";
import {
  type ContainerPlan,
  type ContainerPlanInput,
  containerName,
  planContainer,
  sandboxConfigOf,
  sandboxRuntimeHandler,
  shimGroupOf,
  type ValidContainerConfigs,
  validateContainerConfigs,
} from "@dockershim/pod-sandbox";
import type { Logger } from "pino";
import { createSingleFlight } from "../async/single-flight.js";
import { createUndoStack, type UndoStack } from "../async/undo-stack.js";
import type { CallContext } from "../call.js";
import { type DestroyParts, destroyContainer } from "../engine-work/container-halt.js";
import { type CreateNamedParts, createContainerNamed } from "../engine-work/create-named.js";
import { isMissingImage } from "../image/pause-image.js";
import type { ContainerLogs } from "../logs/container-logs.js";
import type { PodNetwork } from "../network/pod-network.js";
import type { Nri } from "../nri/nri.js";
import { ShimError } from "../shim-error.js";
import type { ImageStore } from "../state/image-store.js";
import type { ContainerRecord, SandboxRecord } from "../state/records.js";
import { requireSandbox, type SandboxLookup } from "../state/sandbox-lookup.js";
import type { Store } from "../state/store.js";
import { type ContainerAdjustParts, type Creation, createAdjusted } from "./container-adjust.js";
import { gatherPlanInputs, type PlanInputParts } from "./plan-inputs.js";
import { isReady } from "./sandbox-readiness.js";

/** What CreateContainer uses. */
export interface ContainerCreateParts extends CreateNamedParts, DestroyParts, PlanInputParts {
  readonly docker: CreateNamedParts["docker"] &
    DestroyParts["docker"] &
    ContainerAdjustParts["docker"];
  readonly store: CreateNamedParts["store"] &
    SandboxLookup &
    Pick<Store, "refreshUntil" | "container" | "record" | "conceal">;
  readonly images: PlanInputParts["images"] & Pick<ImageStore, "refresh">;
  readonly network: Pick<PodNetwork, "addresses">;
  readonly logs: Pick<ContainerLogs, "logConfig" | "prepare">;
  readonly nri: ContainerAdjustParts["nri"] & Pick<Nri, "on" | "hold" | "containerCreated">;
  readonly instance: string;
  readonly log: Logger;
}

const targetField = "config.linux.security_context.namespace_options.target_id";

/**
 * CreateContainer: creates a container that joins its sandbox's namespaces.
 *
 * The name follows from the CRI metadata: calls for one name share one attempt. If a step fails,
 * no container stays. A target whose process namespace it joins has to be a running container of the
 * same pod, as containerd has it.
 */
export function createContainerCreate(
  parts: ContainerCreateParts,
): (request: CreateContainerRequest, call: CallContext) => Promise<{ containerId: string }> {
  const { store, network, logs, nri, instance, images, log } = parts;
  const attempts = createSingleFlight<string>();

  function requireReadySandbox(id: string): SandboxRecord {
    const sandbox = requireSandbox(store, id);
    if (!isReady(sandbox, network)) {
      throw new ShimError("failed_precondition", `pod_sandbox_id: sandbox ${id} is not ready`);
    }
    return sandbox;
  }

  /** Docker would take any container for a target, of whatever pod or of none, and by its name too. */
  function requireTarget(
    { id: sandboxId }: SandboxRecord,
    { config }: ValidContainerConfigs,
  ): void {
    const options = config.linux?.securityContext?.namespaceOptions;
    if (options?.pid !== NamespaceMode.TARGET) return;
    const { targetId } = options;
    const target = store.container(targetId);
    if (target?.sandboxId !== sandboxId) {
      throw new ShimError("not_found", `${targetField}: the pod has no container ${targetId}`);
    }
    const { Status: status, Running: running } = target.inspect.State;
    if (running) return;
    throw new ShimError(
      "failed_precondition",
      `${targetField}: container ${targetId} is ${status}`,
    );
  }

  async function attempt(
    sandbox: SandboxRecord,
    { config, sandboxConfig }: ValidContainerConfigs,
    signal: AbortSignal,
  ): Promise<string> {
    const input: ContainerPlanInput = {
      ...(await gatherPlanInputs(parts, config, sandboxConfig, signal)),
      config,
      sandboxConfig,
      sandbox: {
        id: sandbox.id,
        runtimeHandler: sandboxRuntimeHandler(sandbox.inspect),
        namespaceOptions: sandboxConfigOf(sandbox.inspect)?.linux?.securityContext
          ?.namespaceOptions,
        shimGroup: shimGroupOf(sandbox.inspect),
      },
      instance,
      logConfig: logs.logConfig,
    };
    const plan = planContainer(input);
    for (const warning of plan.warnings) log.debug({ container: plan.name }, warning);
    logs.prepare({ directory: sandboxConfig.logDirectory, file: config.logPath });
    const undo = createUndoStack(log);
    const create = async (wanted: ContainerPlan): Promise<string> => {
      const id = await createContainerNamed(parts, wanted, signal, (created) =>
        undo.push("remove the container", (cleanup) => destroyContainer(parts, created, cleanup)),
      );
      // That there is a record shows it.
      await store.refreshUntil(id, () => true);
      return id;
    };
    const show = nri.on ? await hide(plan.name, signal) : undefined;
    try {
      const id = nri.on
        ? await createWithPlugins(input, plan, create, undo, signal)
        : await create(plan);
      signal.throwIfAborted();
      return id;
    } catch (err) {
      await undo.run();
      // Memory had the image; whoever asks next must not be told so again.
      if (isMissingImage(err)) await images.refresh();
      throw err;
    } finally {
      show?.();
    }
  }

  /** Nobody sees the container, and no plugin joins, until the function it returns is called. */
  async function hide(name: string, signal: AbortSignal): Promise<() => void> {
    const release = await nri.hold(signal);
    const reveal = store.conceal(name);
    return () => {
      reveal();
      release();
    };
  }

  async function createWithPlugins(
    input: ContainerPlanInput,
    plan: ContainerPlan,
    create: (wanted: ContainerPlan) => Promise<string>,
    undo: UndoStack,
    signal: AbortSignal,
  ): Promise<string> {
    /** It is hidden from look-ups by id. */
    const find = (id: string): ContainerRecord => {
      const record = store.record(id);
      if (record?.kind === "container") return record;
      throw new ShimError("internal", "the container went while plugins were asked about it");
    };
    let planned: ContainerRecord | undefined;
    const creation: Creation = {
      async create(wanted) {
        const id = await create(wanted);
        const record = find(id);
        const asPlanned = planned ?? record;
        planned = asPlanned;
        undo.push("tell plugins that there is no container", () =>
          nri.containerUndone(id, asPlanned),
        );
        return record;
      },
      destroy: (id) => destroyContainer(parts, id, signal),
    };
    const id = await createAdjusted(parts, input, plan, creation, signal);
    await nri.containerCreated(find(id));
    return id;
  }

  return async (request, { signal }) => {
    validateContainerConfigs(request);
    const sandbox = requireReadySandbox(request.podSandboxId);
    requireTarget(sandbox, request);
    const name = containerName(request.sandboxConfig.metadata, request.config.metadata);
    const containerId = await attempts.run(name, signal, (shared) =>
      attempt(sandbox, request, shared),
    );
    return { containerId };
  };
}
