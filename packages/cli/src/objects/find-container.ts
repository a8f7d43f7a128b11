import type { CriClient } from "@dockershim/cri-client";
import { type Container, ContainerState, type PodSandbox } from "@dockershim/cri-types";
import { CliError } from "../cli-error.js";
import { type Candidate, findByReference, matchReference, notFound } from "./find-by-reference.js";

export interface ContainerCandidate extends Candidate {
  readonly container: Container;
  /** Undefined while the runtime has lost it. */
  readonly sandbox: PodSandbox | undefined;
  /** Tells a pod from one of the same name before it. */
  readonly pod: string;
}

/**
 * Finds a container by its id, the beginning of it, its name, `pod/name` or
 * `namespace/pod/name`; one that is alone in its pod by the pod too. Of the containers that a pod has had by one name, a running one
 * is meant, then the newest.
 *
 * @throws CliError not-found or ambiguous; CriClientError.
 */
export async function findContainer(client: CriClient, reference: string): Promise<Container> {
  return (await findContainerCandidate(client, reference)).container;
}

/** As {@link findContainer}, with what the container may be called. */
export async function findContainerCandidate(
  client: CriClient,
  reference: string,
): Promise<ContainerCandidate> {
  return findOrOnlyOf(reference, await listContainerCandidates(client));
}

/**
 * Finds the container that the one a person means has replaced in its pod.
 *
 * @throws CliError not-found or ambiguous; CriClientError.
 */
export async function findPreviousContainer(
  client: CriClient,
  reference: string,
): Promise<Container> {
  const candidates = await listContainerCandidates(client);
  const current = findOrOnlyOf(reference, candidates);
  const previous = previousOf(current, candidates);
  if (!previous) {
    const name = current.names.at(-1);
    throw new CliError("not-found", `container ${name} has no previous one on this node`);
  }
  return previous.container;
}

/** The container that is named, or the only one of the pod that is. */
function findOrOnlyOf(
  reference: string,
  candidates: readonly ContainerCandidate[],
): ContainerCandidate {
  const named = matchReference(reference, candidates, "container");
  if (named) return named.item;
  const ofPods = candidates.map((each) => ({
    ...each,
    id: each.container.podSandboxId,
    names: podNames(each),
  }));
  const inPod = [...new Map(ofPods.map((each) => [each.id, each])).values()];
  const pod = matchReference(reference, inPod, "pod")?.item;
  if (pod === undefined) {
    throw notFound(
      reference,
      "container",
      candidates.flatMap((each) => [...each.names, ...podNames(each)]),
    );
  }
  const its = candidates.filter(({ group }) => group === pod.group);
  const names = [...new Set(its.map((each) => each.names.at(-1) ?? each.id))];
  const [only, ...others] = names;
  if (only === undefined || others.length > 0) {
    throw new CliError("ambiguous", `pod ${pod.group} has several containers: ${names.join(", ")}`);
  }
  return findByReference(only, its, "container");
}

function podNames({ sandbox }: ContainerCandidate): string[] {
  const { name = "", namespace = "" } = sandbox?.metadata ?? {};
  return sandbox ? [name, `${namespace}/${name}`] : [];
}

/**
 * The container that another one has replaced in its pod: the one of the same name with the highest attempt below
 * its own, in an earlier sandbox of the pod if need be.
 *
 * @throws CriClientError
 */
export async function findPreviousOf(
  client: CriClient,
  current: ContainerCandidate,
): Promise<Container | undefined> {
  return previousOf(current, await listContainerCandidates(client))?.container;
}

function previousOf(
  current: ContainerCandidate,
  candidates: readonly ContainerCandidate[],
): ContainerCandidate | undefined {
  const attemptOf = ({ container }: ContainerCandidate) => container.metadata?.attempt ?? 0;
  const [previous] = candidates
    .filter(
      (each) =>
        each.pod === current.pod &&
        each.names[0] === current.names[0] &&
        attemptOf(each) < attemptOf(current),
    )
    .sort((a, b) => attemptOf(b) - attemptOf(a));
  return previous;
}

/** All containers, with what they may be called. */
export async function listContainerCandidates(client: CriClient): Promise<ContainerCandidate[]> {
  const [{ containers }, { items }] = await Promise.all([
    client.runtime.listContainers({}),
    client.runtime.listPodSandbox({}),
  ]);
  const sandboxes = new Map(items.map((sandbox) => [sandbox.id, sandbox]));
  return containers.map((container) => describe(container, sandboxes.get(container.podSandboxId)));
}

function describe(container: Container, sandbox: PodSandbox | undefined): ContainerCandidate {
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
    pod: pod?.uid || container.podSandboxId,
    container,
    sandbox,
  };
}
