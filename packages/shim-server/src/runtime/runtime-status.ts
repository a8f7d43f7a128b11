import type { StatusRequest } from "@dockershim/cri-types";
import { apiAtLeast, isDefaultHandler, type UserNamespaceFact } from "@dockershim/pod-sandbox";
import type { ContainerLogs } from "../logs/container-logs.js";
import type { PodNetwork } from "../network/pod-network.js";
import type { ShimOptions } from "../options.js";
import type { Engine } from "../state/engine.js";
import type { ImageStore } from "../state/image-store.js";
import { canMountRecursivelyReadOnly } from "../state/runtime-features.js";
import type { Store } from "../state/store.js";
import { version } from "../version.js";

/** What Status uses. */
export interface RuntimeStatusParts {
  readonly engine: Pick<Engine, "connected" | "problem" | "facts" | "info" | "refresh">;
  readonly network: Pick<PodNetwork, "readiness">;
  readonly store: Pick<Store, "unread">;
  readonly images: Pick<ImageStore, "unread">;
  readonly logs: Pick<ContainerLogs, "lag">;
  readonly options: ShimOptions;
  readonly instance: string;
}

function possible(fact: UserNamespaceFact | undefined): boolean {
  return fact !== undefined && "possible" in fact;
}

interface Condition {
  type: string;
  status: boolean;
  reason: string;
  message: string;
}

interface Handler {
  name: string;
  features: { recursiveReadOnlyMounts: boolean; userNamespaces: boolean };
}

interface Reply {
  status: { conditions: Condition[] };
  info: Record<string, string>;
  runtimeHandlers: Handler[];
  features: {
    supplementalGroupsPolicy: boolean;
    userNamespacesHostNetwork: boolean;
    mountOptions: boolean;
  };
}

/**
 * Status: whether the engine and the pod network are ready, and what the runtime handlers can.
 *
 * It answers even while the engine is away: that is what the kubelet asks it for.
 */
export function createRuntimeStatus(
  parts: RuntimeStatusParts,
): (request: StatusRequest) => Promise<Reply> {
  const { engine, network } = parts;

  async function conditions(): Promise<Condition[]> {
    const net = await network.readiness();
    return [
      {
        type: "RuntimeReady",
        status: engine.connected,
        reason: engine.connected ? "" : "DockerEngineUnreachable",
        message: engine.problem,
      },
      { type: "NetworkReady", status: net.ready, reason: net.reason, message: net.message },
    ];
  }

  async function handlers(): Promise<Handler[]> {
    if (!engine.connected) return [];
    const [facts, engineInfo] = await Promise.all([engine.facts(), engine.info()]);
    const names = new Set(["", "docker", ...facts.runtimes]);
    return [...names].map((name) => ({
      name,
      features: {
        recursiveReadOnlyMounts:
          apiAtLeast(facts.apiVersion, "1.44") &&
          canMountRecursivelyReadOnly(engineInfo, name) !== false,
        // Docker remaps users for the whole daemon or not at all; the spec hook does it for one pod.
        userNamespaces: isDefaultHandler(name) && possible(facts.userNamespaces),
      },
    }));
  }

  async function mountOptions(): Promise<boolean> {
    if (!engine.connected) return false;
    const { specHook } = await engine.facts();
    return specHook !== undefined && "runtime" in specHook;
  }

  async function askEngine(): Promise<object> {
    try {
      await engine.refresh();
      return { engine: await engine.info(), facts: await engine.facts() };
    } catch {
      // It has just gone, which the conditions are going to tell.
      return {};
    }
  }

  /** For people, who want to see the engine as it is now. */
  async function info(): Promise<Record<string, string>> {
    const { options, instance, store, images, logs } = parts;
    const now = engine.connected ? await askEngine() : {};
    const logLag = logs.lag();
    // What the engine does not let be inspected.
    const unread = { containers: store.unread, images: images.unread };
    return { info: JSON.stringify({ version, instance, options, unread, logLag, ...now }) };
  }

  return async ({ verbose }) => ({
    status: { conditions: await conditions() },
    info: verbose ? await info() : {},
    runtimeHandlers: await handlers(),
    features: {
      supplementalGroupsPolicy: true,
      userNamespacesHostNetwork: false,
      // Docker's mounts have no field for noexec, nodev and nosuid; the spec hook puts them in.
      mountOptions: await mountOptions(),
    },
  });
}
