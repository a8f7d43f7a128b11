import type {
  ContainerConfig,
  CreateContainerRequest,
  PodSandboxConfig,
} from "@dockershim/cri-types";
import {
  containerName,
  planContainer,
  sandboxRuntimeHandler,
  validateContainerConfig,
} from "@dockershim/pod-sandbox";
import { createSingleFlight } from "../async/single-flight.js";
import { createUndoStack } from "../async/undo-stack.js";
import type { CallContext, ShimContext } from "../context.js";
import { destroyContainer } from "../engine-work/container-halt.js";
import { createContainerNamed } from "../engine-work/create-named.js";
import { isMissingImage } from "../image/pause-image.js";
import { ShimError } from "../shim-error.js";
import type { SandboxRecord } from "../state/records.js";
import { requireId } from "../state/require-id.js";
import { requireSandbox } from "../state/sandbox-lookup.js";
import { gatherPlanInputs } from "./plan-inputs.js";
import { isReady } from "./sandbox-readiness.js";

/**
 * CreateContainer: creates a container that joins its sandbox's namespaces.
 *
 * The name follows from the CRI metadata: calls for one name share one attempt. If a step fails,
 * no container stays.
 */
export function createContainerCreate(
  context: ShimContext,
): (request: CreateContainerRequest, call: CallContext) => Promise<{ containerId: string }> {
  const { store, network, logs, instance } = context;
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
    config: ContainerConfig,
    sandboxConfig: PodSandboxConfig,
    signal: AbortSignal,
  ): Promise<string> {
    const plan = planContainer({
      ...(await gatherPlanInputs(context, config, signal)),
      config,
      sandboxConfig,
      sandbox: {
        id: sandbox.id,
        runtimeHandler: sandboxRuntimeHandler(sandbox.inspect),
      },
      instance,
      logConfig: logs.logConfig,
    });
    for (const warning of plan.warnings) context.log.warn({ container: plan.name }, warning);
    logs.prepare({ directory: sandboxConfig.logDirectory, file: config.logPath });
    const undo = createUndoStack(context.log);
    try {
      const id = await createContainerNamed(context, plan, signal, (created) =>
        undo.push("remove the container", (cleanup) => destroyContainer(context, created, cleanup)),
      );
      await store.refresh(id);
      signal.throwIfAborted();
      return id;
    } catch (err) {
      await undo.run();
      // Memory had the image; whoever asks next must not be told so again.
      if (isMissingImage(err)) await context.images.refresh();
      throw err;
    }
  }

  return async ({ podSandboxId, config, sandboxConfig }, { signal }) => {
    requireId("pod_sandbox_id", podSandboxId);
    validateContainerConfig(config, sandboxConfig);
    if (config?.metadata === undefined || sandboxConfig?.metadata === undefined) {
      throw new ShimError("invalid_argument", "config.metadata, sandbox_config.metadata: required");
    }
    await context.feed.ready();
    const sandbox = requireReadySandbox(podSandboxId);
    const name = containerName(sandboxConfig.metadata, config.metadata);
    const containerId = await attempts.run(name, signal, (shared) =>
      attempt(sandbox, config, sandboxConfig, shared),
    );
    return { containerId };
  };
}
