import { randomUUID } from "node:crypto";
import type { RunPodSandboxRequest } from "@dockershim/cri-types";
import type { DockerContainers } from "@dockershim/docker-client";
import {
  apparmorChoice,
  planSandbox,
  sandboxName,
  sandboxSeccompChoice,
  usesHostNetwork,
  type ValidSandboxConfig,
  validateSandboxConfig,
} from "@dockershim/pod-sandbox";
import type { Logger } from "pino";
import { allOf } from "../async/all-of.js";
import { createSingleFlight } from "../async/single-flight.js";
import { createUndoStack, type UndoStack } from "../async/undo-stack.js";
import { within } from "../async/within.js";
import type { CallContext } from "../call.js";
import { destroyContainer } from "../engine-work/container-halt.js";
import { type CreateNamedParts, createContainerNamed } from "../engine-work/create-named.js";
import { requireApparmorProfile } from "../engine-work/host-apparmor-profile.js";
import { readSeccompProfile } from "../engine-work/host-seccomp-profile.js";
import { createStartingPids, type StartingPids } from "../engine-work/starting-pid.js";
import type { PauseImage } from "../image/pause-image.js";
import { isMissingImage } from "../image/pause-image.js";
import type { PodNetwork } from "../network/pod-network.js";
import { writeResolvConf } from "../network/resolv-conf.js";
import type { Nri } from "../nri/nri.js";
import type { ShimOptions } from "../options.js";
import { ShimError } from "../shim-error.js";
import type { ContainerSpecs } from "../spec-hook/container-specs.js";
import type { Engine } from "../state/engine.js";
import type { ImageStore } from "../state/image-store.js";
import { wasStarted } from "../state/records.js";
import type { Store } from "../state/store.js";
import { pauseSeccompProfile } from "./pause-seccomp.js";
import { isReady } from "./sandbox-readiness.js";
import { removeSandbox, type SandboxRemoveParts } from "./sandbox-remove.js";

/** What RunPodSandbox uses. */
export interface SandboxRunParts extends SandboxRemoveParts, CreateNamedParts {
  readonly docker: SandboxRemoveParts["docker"] &
    CreateNamedParts["docker"] & { readonly containers: Pick<DockerContainers, "start"> };
  readonly engine: Pick<Engine, "facts">;
  readonly store: SandboxRemoveParts["store"] &
    CreateNamedParts["store"] &
    Pick<Store, "refresh" | "refreshUntil" | "planned" | "record" | "conceal">;
  readonly images: Pick<ImageStore, "refresh">;
  readonly network: Pick<PodNetwork, "addresses" | "setUp" | "tearDown">;
  readonly pauseImage: Pick<PauseImage, "ensure">;
  readonly specs: Pick<ContainerSpecs, "announce" | "withdraw" | "during">;
  readonly options: Pick<ShimOptions, "podInfraContainerImage" | "shimPerPod">;
  readonly nri: SandboxRemoveParts["nri"] & Pick<Nri, "runSandbox">;
  readonly pids?: StartingPids;
  readonly instance: string;
  readonly log: Logger;
}

/** How long an undo may keep its sandbox out of the lists, in ms. */
const undoPatienceMs = 2_000;

/**
 * RunPodSandbox: creates and starts the pause container and puts it on the network.
 *
 * The name follows from the CRI metadata, so a repeated call finds the running attempt, or the
 * sandbox that it made. Until it is ready a sandbox is in no list; if any step fails, what was
 * done is undone and nothing stays, unless the network cannot be given back. A sandbox that takes
 * long to be undone, or cannot be, is listed as NOTREADY, so that its end can be asked for.
 */
export function createSandboxRun(
  parts: SandboxRunParts,
): (request: RunPodSandboxRequest, call: CallContext) => Promise<{ podSandboxId: string }> {
  const { docker, engine, store, network, pauseImage, specs, nri, instance, log } = parts;
  const { pids = createStartingPids() } = parts;
  const attempts = createSingleFlight<string>();

  async function attempt(
    config: ValidSandboxConfig,
    runtimeHandler: string,
    name: string,
    signal: AbortSignal,
  ): Promise<string> {
    const existing = store.planned(name).filter((record) => record.kind === "sandbox");
    const ready = existing.find((sandbox) => isReady(sandbox, network));
    if (ready !== undefined) return ready.id;
    for (const { id } of existing) await removeSandbox(parts, id, signal);
    const [image, facts, seccompProfile] = await Promise.all([
      pauseImage.ensure(signal),
      engine.facts(signal),
      seccompProfileOf(config, parts.options),
    ]);
    if (facts.apparmor) await requireApparmor(config);
    const plan = planSandbox({
      config,
      runtimeHandler,
      image,
      engine: facts,
      instance,
      seccompProfile,
      networkMode: onHostNetwork(config) ? "host" : "none",
      ...(parts.options.shimPerPod ? { shimGroup: randomUUID() } : {}),
    });
    // The host's limits, which are the same for every pod, were told at the start.
    for (const warning of plan.warnings) log.debug({ sandbox: name }, warning);

    const reveal = store.conceal(name);
    const undo = createUndoStack(log);
    let networkedPid: number | undefined;
    let release: (() => void) | undefined;
    try {
      const id = await createContainerNamed(parts, plan, signal, (created) =>
        undo.push("remove the sandbox", async (cleanup) => {
          // As long as it holds something of the network the sandbox stays, NOTREADY: the kubelet has
          // it removed, and without it nobody would ask for the network to be given back.
          if (networkedPid !== undefined) await network.tearDown(created, networkedPid, cleanup);
          await destroyContainer(parts, created, cleanup);
        }),
      );
      if (plan.specPatch !== undefined) await announce(id, undo);
      const started = start(id, config, signal);
      if (onHostNetwork(config)) {
        await started;
      } else {
        const pid = pids.of(id, started).then((it) => {
          networkedPid = it;
          return it;
        });
        await allOf(started, network.setUp({ sandboxId: id, pid, config }, signal));
        if ((await started) !== networkedPid) {
          throw new ShimError("internal", "the sandbox runs in another process than was networked");
        }
      }
      release = await nri.hold(signal);
      await tellPlugins(id, undo);
      signal.throwIfAborted();
      return id;
    } catch (err) {
      const undone = undo.run();
      if ((await within(undone, undoPatienceMs)) === "late") reveal();
      await undone;
      // Memory had it; the next attempt must not be told so again.
      if (isMissingImage(err)) await parts.images.refresh();
      throw isMissingImage(err)
        ? new ShimError("internal", "the pause image vanished while the sandbox was made", {
            cause: err,
          })
        : err;
    } finally {
      reveal();
      release?.();
    }
  }

  /** The spec hook asks about it in the middle of its start, when the engine tells nothing of it. */
  async function announce(id: string, undo: UndoStack): Promise<void> {
    await store.refresh(id);
    specs.announce(id);
    undo.push("answer for its spec no longer", async () => specs.withdraw(id));
  }

  async function tellPlugins(id: string, undo: UndoStack): Promise<void> {
    const sandbox = store.record(id);
    if (sandbox?.kind !== "sandbox") return;
    undo.push("tell plugins that there is no sandbox", () => nri.removeSandbox(sandbox));
    await nri.runSandbox(sandbox);
  }

  /** @returns The pid of its process. */
  async function start(
    id: string,
    config: ValidSandboxConfig,
    signal: AbortSignal,
  ): Promise<number> {
    await specs.during(id, () => docker.containers.start(id, { signal }));
    await store.refreshUntil(id, wasStarted);
    const inspect = store.record(id)?.inspect;
    if (inspect === undefined) {
      throw new ShimError("internal", "the sandbox container was removed while it was made");
    }
    if (!inspect.State.Running) {
      throw new ShimError("internal", "the sandbox container ended as soon as it was started");
    }
    if (config.dnsConfig !== undefined) {
      await writeResolvConf(inspect.ResolvConfPath, config.dnsConfig);
    }
    return inspect.State.Pid;
  }

  return async ({ config, runtimeHandler }, { signal }) => {
    validateSandboxConfig(config);
    const name = sandboxName(config.metadata);
    const podSandboxId = await attempts.run(name, signal, (shared) =>
      attempt(config, runtimeHandler, name, shared),
    );
    return { podSandboxId };
  };
}

/** The file that a Localhost profile names, or the small profile for the pause image that is ours. */
async function seccompProfileOf(
  config: ValidSandboxConfig,
  { podInfraContainerImage }: SandboxRunParts["options"],
): Promise<string | undefined> {
  const context = config.linux?.securityContext;
  if (context?.privileged) return undefined;
  const choice = sandboxSeccompChoice(context);
  if (choice.type === "runtime-default") {
    return podInfraContainerImage === "" ? pauseSeccompProfile : undefined;
  }
  return await readSeccompProfile(choice, "config.linux.security_context.seccomp");
}

async function requireApparmor(config: ValidSandboxConfig): Promise<void> {
  const context = config.linux?.securityContext;
  if (context === undefined || context.privileged) return;
  const field = "config.linux.security_context";
  await requireApparmorProfile(apparmorChoice(context.apparmor, "", field), `${field}.apparmor`);
}

function onHostNetwork(config: ValidSandboxConfig): boolean {
  return usesHostNetwork(config.linux?.securityContext?.namespaceOptions);
}
