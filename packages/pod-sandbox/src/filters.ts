import type {
  Container,
  ContainerFilter,
  PodSandbox,
  PodSandboxFilter,
} from "@dockershim/cri-types";

/** Whether a sandbox passes a CRI filter; ids may be given by a prefix. */
export function matchesPodSandboxFilter(
  sandbox: PodSandbox,
  filter: PodSandboxFilter | undefined,
): boolean {
  if (filter === undefined) return true;
  if (!sandbox.id.startsWith(filter.id)) return false;
  if (filter.state !== undefined && filter.state.state !== sandbox.state) return false;
  return matchesLabels(sandbox.labels, filter.labelSelector);
}

/** Whether a container passes a CRI filter; ids may be given by a prefix. */
export function matchesContainerFilter(
  container: Container,
  filter: ContainerFilter | undefined,
): boolean {
  if (filter === undefined) return true;
  if (!container.id.startsWith(filter.id)) return false;
  if (!container.podSandboxId.startsWith(filter.podSandboxId)) return false;
  if (filter.state !== undefined && filter.state.state !== container.state) return false;
  return matchesLabels(container.labels, filter.labelSelector);
}

/** Whether `labels` has every pair of a selector. */
export function matchesLabels(
  labels: Readonly<Record<string, string>>,
  selector: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(selector).every(
    ([key, value]) => Object.hasOwn(labels, key) && labels[key] === value,
  );
}
