import type { CriClient } from "@dockershim/cri-client";
import { ContainerState, PodSandboxState } from "@dockershim/cri-types";
import type { OpenNode } from "../node/open-node.js";
import type { ListedContainer, ListedSandbox } from "./judge-remains.js";

/** All sandboxes and containers of a runtime. */
export interface RuntimeLists {
  readonly sandboxes: readonly ListedSandbox[];
  readonly containers: readonly ListedContainer[];
}

/** Containers first, so that none is listed whose sandbox came too late for the other list. */
export async function readRuntimeLists(client: CriClient): Promise<RuntimeLists> {
  const { containers } = await client.runtime.listContainers({});
  const { items } = await client.runtime.listPodSandbox({});
  // And again: of a sandbox that is in the list, a container may have come meanwhile.
  const { containers: later } = await client.runtime.listContainers({});
  const all = new Map([...containers, ...later].map((each) => [each.id, each]));
  return {
    sandboxes: items.map(({ id, metadata, state, createdAt }) => ({
      id,
      namespace: metadata?.namespace ?? "",
      name: metadata?.name ?? "",
      uid: metadata?.uid ?? "",
      ready: state === PodSandboxState.SANDBOX_READY,
      since: Number(createdAt / 1_000_000n),
    })),
    containers: [...all.values()].map(({ id, podSandboxId, metadata, state, createdAt }) => ({
      id,
      sandboxId: podSandboxId,
      name: metadata?.name ?? "",
      running: state === ContainerState.CONTAINER_RUNNING,
      since: Number(createdAt / 1_000_000n),
    })),
  };
}

/**
 * Ids of all that runs or has run and still is, of every owner: those of the engine, or of another runtime.
 *
 * @returns undefined where nobody tells: then nothing may be taken for gone.
 */
export async function readKnownIds({
  docker,
  client,
  runtime,
}: OpenNode): Promise<ReadonlySet<string> | undefined> {
  if (docker !== undefined) {
    return new Set((await docker.containers.list({ all: true })).map(({ Id }) => Id));
  }
  if (runtime.kind !== "other" || client === undefined) return undefined;
  const { sandboxes, containers } = await readRuntimeLists(client);
  return new Set([...sandboxes, ...containers].map(({ id }) => id));
}
