import type { CreateContainerRequest } from "@dockershim/cri-types";
import {
  containerName,
  planContainer,
  sandboxConfigOf,
  sandboxRuntimeHandler,
  type ValidContainerConfigs,
  validateContainerConfigs,
} from "@dockershim/pod-sandbox";
import type { Logger } from "pino";
import { createSingleFlight } from "../async/single-flight.js";
import { createUndoStack } from "../async/undo-stack.js";
import type { CallContext } from "../call.js";
import { type DestroyParts, destroyContainer } from "../engine-work/container-halt.js";
import { type CreateNamedParts, createContainerNamed } from "../engine-work/create-named.js";
import { isMissingImage } from "../image/pause-image.js";
import type { ContainerLogs } from "../logs/container-logs.js";
import type { PodNetwork } from "../network/pod-network.js";
import { ShimError } from "../shim-error.js";
import type { ImageStore } from "../state/image-store.js";
import type { SandboxRecord } from "../state/records.js";
import { requireSandbox, type SandboxLookup } from "../state/sandbox-lookup.js";
import type { Store } from "../state/store.js";
import { gatherPlanInputs, type PlanInputParts } from "./plan-inputs.js";
import { isReady } from "./sandbox-readiness.js";

/** What CreateContainer uses. */
export interface ContainerCreateParts extends CreateNamedParts, DestroyParts, PlanInputParts {
  readonly docker: CreateNamedParts["docker"] & DestroyParts["docker"];
  readonly store: CreateNamedParts["store"] & SandboxLookup & Pick<Store, "refresh">;
  readonly images: PlanInputParts["images"] & Pick<ImageStore, "refresh">;
  readonly network: Pick<PodNetwork, "addresses">;
  readonly logs: Pick<ContainerLogs, "logConfig" | "prepare">;
  readonly instance: string;
  readonly log: Logger;
}

/**
 * CreateContainer: creates a container that joins its sandbox's namespaces.
 *
 * The name follows from the CRI metadata: calls for one name share one attempt. If a step fails,
 * no container stays.
 */
export function createContainerCreate(
  parts: ContainerCreateParts,
): (request: CreateContainerRequest, call: CallContext) => Promise<{ containerId: string }> {
  const { store, network, logs, instance, images, log } = parts;
  const attempts = createSingleFlight<string>();

  function requireReadySandbox(id: string): SandboxRecord {
    const sandbox = requireSandbox(store, id);
    if (!isReady(sandbox, network)) {
      throw new ShimError("failed_precondition", `pod_sandbox_id: sandbox ${id} is not ready`);
    }
    return sandbox;
  }

  async function attempt(
    sandbox: SandboxRecord,
    { config, sandboxConfig }: ValidContainerConfigs,
    signal: AbortSignal,
  ): Promise<string> {
    const plan = planContainer({
      ...(await gatherPlanInputs(parts, config, signal)),
      config,
      sandboxConfig,
      sandbox: {
        id: sandbox.id,
        runtimeHandler: sandboxRuntimeHandler(sandbox.inspect),
        namespaceOptions: sandboxConfigOf(sandbox.inspect)?.linux?.securityContext
          ?.namespaceOptions,
      },
      instance,
      logConfig: logs.logConfig,
    });
    for (const warning of plan.warnings) log.debug({ container: plan.name }, warning);
    logs.prepare({ directory: sandboxConfig.logDirectory, file: config.logPath });
    const undo = createUndoStack(log);
    try {
      const id = await createContainerNamed(parts, plan, signal, (created) =>
        undo.push("remove the container", (cleanup) => destroyContainer(parts, created, cleanup)),
      );
      await store.refresh(id);
      signal.throwIfAborted();
      return id;
    } catch (err) {
      await undo.run();
      // Memory had the image; whoever asks next must not be told so again.
      if (isMissingImage(err)) await images.refresh();
      throw err;
    }
  }

  return async (request, { signal }) => {
    validateContainerConfigs(request);
    const sandbox = requireReadySandbox(request.podSandboxId);
    const name = containerName(request.sandboxConfig.metadata, request.config.metadata);
    const containerId = await attempts.run(name, signal, (shared) =>
      attempt(sandbox, request, shared),
    );
    return { containerId };
  };
}
