import type { CriClient } from "@dockershim/cri-client";
import { type Container, ContainerState, type PodSandbox } from "@dockershim/cri-types";
import { type Candidate, findByReference } from "./find-by-reference.js";

/**
 * Finds a container by its id, the beginning of it, its name, `pod/name` or
 * `namespace/pod/name`. Of the containers that a pod has had by one name, a running one
 * is meant, then the newest.
 *
 * @throws CliError not-found or ambiguous; CriClientError.
 */
export async function findContainer(client: CriClient, reference: string): Promise<Container> {
  const [{ containers }, { items }] = await Promise.all([
    client.runtime.listContainers({}),
    client.runtime.listPodSandbox({}),
  ]);
  const sandboxes = new Map(items.map((sandbox) => [sandbox.id, sandbox]));
  const candidates = containers.map((container) =>
    describe(container, sandboxes.get(container.podSandboxId)),
  );
  return findByReference(reference, candidates, "container").container;
}

function describe(container: Container, sandbox: PodSandbox | undefined) {
  const name = container.metadata?.name ?? "";
  const pod = sandbox?.metadata;
  const names = pod
    ? [name, `${pod.name}/${name}`, `${pod.namespace}/${pod.name}/${name}`]
    : [name];
  const running = container.state === ContainerState.CONTAINER_RUNNING;
  return {
    id: container.id,
    names,
    // Seconds: a running one outranks any time of creation.
    precedence: Number(container.createdAt / 1_000_000_000n) + (running ? 1e12 : 0),
    group: pod ? `${pod.namespace}/${pod.name}` : container.podSandboxId,
    container,
  } satisfies Candidate & { container: Container };
}
