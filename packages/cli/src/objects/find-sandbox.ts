import type { CriClient } from "@dockershim/cri-client";
import { type PodSandbox, PodSandboxState } from "@dockershim/cri-types";
import { type Candidate, findByReference } from "./find-by-reference.js";

export interface SandboxCandidate extends Candidate {
  readonly sandbox: PodSandbox;
}

/**
 * Finds a pod's sandbox by its id, the beginning of it, the pod's name or
 * `namespace/name`. Of several sandboxes of a pod a ready one is meant, then the newest.
 *
 * @throws CliError not-found or ambiguous; CriClientError.
 */
export async function findSandbox(client: CriClient, reference: string): Promise<PodSandbox> {
  return findByReference(reference, await listSandboxCandidates(client), "pod").sandbox;
}

/** All sandboxes, with what they may be called. */
export async function listSandboxCandidates(client: CriClient): Promise<SandboxCandidate[]> {
  const { items } = await client.runtime.listPodSandbox({});
  return items.map((sandbox) => {
    const { name = "", namespace = "" } = sandbox.metadata ?? {};
    const ready = sandbox.state === PodSandboxState.SANDBOX_READY;
    return {
      id: sandbox.id,
      names: [name, `${namespace}/${name}`],
      // Seconds: a ready one outranks any time of creation.
      precedence: Number(sandbox.createdAt / 1_000_000_000n) + (ready ? 1e12 : 0),
      group: `${namespace}/${name}`,
      sandbox,
    };
  });
}
