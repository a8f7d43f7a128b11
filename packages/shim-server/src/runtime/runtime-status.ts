import type { StatusRequest } from "@dockershim/cri-types";
import { apiAtLeast, isDefaultHandler, type UserNamespaceFact } from "@dockershim/pod-sandbox";
import type { ContainerLogs } from "../logs/container-logs.js";
import type { PodNetwork } from "../network/pod-network.js";
import type { ShimOptions } from "../options.js";
import type { Engine, KnownEngine } from "../state/engine.js";
import type { ImageStore } from "../state/image-store.js";
import { canMountRecursivelyReadOnly } from "../state/runtime-features.js";
import type { Store } from "../state/store.js";
import { version } from "../version.js";

/** So many of what the engine does not let be read are named. */
const namedUnread = 20;

/** What Status uses. */
export interface RuntimeStatusParts {
  readonly engine: Pick<Engine, "connected" | "problem" | "facts" | "info" | "refresh" | "known">;
  readonly network: Pick<PodNetwork, "readiness">;
  readonly store: Pick<Store, "unread" | "unreadNames">;
  readonly images: Pick<ImageStore, "unread" | "unreadNames">;
  readonly logs: Pick<ContainerLogs, "lag">;
  readonly options: ShimOptions;
  readonly instance: string;
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

/** What follows from what the engine tells of itself. */
interface Abilities {
  readonly handlers: Handler[];
  readonly mountOptions: boolean;
}

const noAbilities: Abilities = { handlers: [], mountOptions: false };

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
  let last: { readonly known: KnownEngine; readonly abilities: Abilities } | undefined;

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

  /** Worked out once for each time that the engine has told of itself. */
  async function abilities(): Promise<Abilities> {
    if (!engine.connected) return noAbilities;
    // After a new connection it has not told yet.
    await engine.facts();
    const known = engine.known();
    if (last?.known !== known) last = { known, abilities: abilitiesOf(known) };
    return last.abilities;
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
    const names = [...store.unreadNames(), ...images.unreadNames()].slice(0, namedUnread);
    const unread = { containers: store.unread, images: images.unread, names };
    return { info: JSON.stringify({ version, instance, options, unread, logLag, ...now }) };
  }

  return async ({ verbose }) => {
    const status = { conditions: await conditions() };
    // A verbose one asks the engine first, so that all is of one moment.
    const details = verbose ? await info() : {};
    const { handlers, mountOptions } = await abilities();
    return {
      status,
      info: details,
      runtimeHandlers: handlers,
      features: {
        supplementalGroupsPolicy: true,
        userNamespacesHostNetwork: false,
        // Docker's mounts have no field for noexec, nodev and nosuid; the spec hook puts them in.
        mountOptions,
      },
    };
  };
}

function abilitiesOf({ facts, info }: KnownEngine): Abilities {
  const { specHook } = facts;
  const names = new Set(["", "docker", ...facts.runtimes]);
  return {
    handlers: [...names].map((name) => ({
      name,
      features: {
        recursiveReadOnlyMounts:
          apiAtLeast(facts.apiVersion, "1.44") && canMountRecursivelyReadOnly(info, name) !== false,
        // Docker remaps users for the whole daemon or not at all; the spec hook does it for one pod.
        userNamespaces: isDefaultHandler(name) && possible(facts.userNamespaces),
      },
    })),
    mountOptions: specHook !== undefined && "runtime" in specHook,
  };
}

function possible(fact: UserNamespaceFact | undefined): boolean {
  return fact !== undefined && "possible" in fact;
}
