import type { CriClient } from "@dockershim/cri-client";
import type { Image } from "@dockershim/cri-types";
import { Option } from "commander";
import { CliError } from "../cli-error.js";
import { matchReference, notFound, surestMatches } from "./find-by-reference.js";
import { type ContainerCandidate, listContainerCandidates } from "./find-container.js";
import { findImage, imageName } from "./find-image.js";
import { listSandboxCandidates, type SandboxCandidate } from "./find-sandbox.js";

export type ObjectKind = "container" | "pod" | "image";

/** What runs. */
export type WorkloadKind = "container" | "pod";
export type Workload = Extract<FoundObject, { kind: WorkloadKind }>;

/** What a person has named, of whichever kind. */
export type FoundObject =
  | ({ readonly kind: "container" } & ContainerCandidate)
  | ({ readonly kind: "pod" } & SandboxCandidate)
  | { readonly kind: "image"; readonly id: string; readonly image: Image };

/** How to name things, for a command's help. */
export const referenceHelp =
  "ids, beginnings of them, or names: container, pod/container, pod, namespace/pod";

/** Adds `--type`, for what could be of several kinds. */
export function typeOption(kinds: readonly ObjectKind[]): Option {
  return new Option("--type <type>", "only look among things of this kind").choices(kinds);
}

/**
 * Finds things of several kinds by one verb; lists are asked for once. An id comes before the
 * beginning of one, and that before a name; an image is meant only where no container or pod is.
 *
 * @throws CliError (from what is returned) not-found, or ambiguous with what it could be; CriClientError.
 */
export function createFinder<Kind extends ObjectKind>(
  client: CriClient,
  kinds: readonly Kind[],
): (reference: string) => Promise<Extract<FoundObject, { kind: Kind }>> {
  const find = createAnyFinder(client, kinds);
  return async (reference) => (await find(reference)) as Extract<FoundObject, { kind: Kind }>;
}

function createAnyFinder(
  client: CriClient,
  kinds: readonly ObjectKind[],
): (reference: string) => Promise<FoundObject> {
  const containers = once(() =>
    kinds.includes("container") ? listContainerCandidates(client) : [],
  );
  const sandboxes = once(() => (kinds.includes("pod") ? listSandboxCandidates(client) : []));
  const wanted = kinds.join(", ").replace(/, (?=[^,]*$)/, " or ");

  return async (reference) => {
    const container = matchReference(reference, await containers(), "container");
    const pod = matchReference(reference, await sandboxes(), "pod");
    const matches = surestMatches([
      ...(container
        ? [{ by: container.by, found: { kind: "container", ...container.item } as const }]
        : []),
      ...(pod ? [{ by: pod.by, found: { kind: "pod", ...pod.item } as const }] : []),
    ]);
    const [match, other] = matches;
    if (match && other) throw ofSeveralKinds(reference, [match.found, other.found]);
    if (match) return match.found;
    const image = kinds.includes("image") ? await findImage(client, reference) : undefined;
    if (image) return { kind: "image", id: image.id, image };
    const known = [...(await containers()), ...(await sandboxes())];
    throw notFound(
      reference,
      wanted,
      known.flatMap(({ names }) => names),
    );
  };
}

/** A name that tells a thing from all others of its kind. */
export function fullName(found: FoundObject): string {
  return found.kind === "image" ? imageName(found.image) : (found.names.at(-1) ?? found.id);
}

function ofSeveralKinds(reference: string, found: readonly FoundObject[]): CliError {
  const shown = found.map((each) => `the ${each.kind} ${fullName(each)}`).join(" or ");
  const types = found.map(({ kind }) => `--type ${kind}`).join(" or ");
  return new CliError("ambiguous", `"${reference}" could be ${shown}: say ${types}`);
}

function once<Value>(work: () => Value): () => Value {
  let value: { of: Value } | undefined;
  return () => {
    value ??= { of: work() };
    return value.of;
  };
}
