import type { CriClient } from "@dockershim/cri-client";
import {
  type ContainerStatus,
  type ContainerUser,
  type LinuxContainerResources,
  type Mount,
  MountPropagation,
} from "@dockershim/cri-types";
import { notFound } from "../objects/find-by-reference.js";
import { type ContainerCandidate, findPreviousOf } from "../objects/find-container.js";
import type { Field } from "../output/field-rows.js";
import { shortId } from "../output/short-id.js";
import {
  fieldSection,
  formatTime,
  joinSections,
  pairSection,
  stateFields,
  tableSection,
} from "./description.js";

/**
 * Describes a container for people, and how the one that it has replaced in its pod ended.
 *
 * @param nowMs Milliseconds since the epoch.
 * @throws CriClientError; CliError not-found where the runtime has lost it meanwhile.
 */
export async function describeContainer(
  client: CriClient,
  found: ContainerCandidate,
  nowMs: number,
): Promise<string> {
  const previous = await findPreviousOf(client, found);
  const [{ status }, before] = await Promise.all([
    client.runtime.containerStatus({ containerId: found.id }),
    previous && client.runtime.containerStatus({ containerId: previous.id }),
  ]);
  if (status === undefined) throw notFound(found.id, "container");
  const pod = found.sandbox?.metadata;
  const sandboxId = shortId(found.container.podSandboxId, false);
  return joinSections([
    fieldSection("", [
      ["Container:", found.names.at(-1) ?? ""],
      ["ID:", status.id],
      ["Pod:", pod ? `${pod.namespace}/${pod.name} (${sandboxId})` : sandboxId],
      ["Image:", status.image?.userSpecifiedImage || status.image?.image || ""],
      ["Image ID:", status.imageId],
      ["Image digest:", status.imageRef],
      ["User:", describeUser(status.user)],
      ["Attempt:", `${status.metadata?.attempt ?? 0}`],
      ["Created:", formatTime(status.createdAt, nowMs)],
      ["Log:", status.logPath],
    ]),
    fieldSection("State", stateFields(status, nowMs)),
    before?.status ? fieldSection("Previous container", previousFields(before.status, nowMs)) : "",
    fieldSection("Resources", resourceFields(status.resources?.linux)),
    tableSection("Mounts", ["in the container", "from", "options"], status.mounts.map(mountRow)),
    pairSection("Labels", status.labels),
    pairSection("Annotations", status.annotations),
  ]);
}

function previousFields(status: ContainerStatus, nowMs: number): Field[] {
  return [["ID", shortId(status.id, false)], ...stateFields(status, nowMs)];
}

function describeUser(user: ContainerUser | undefined): string {
  if (user?.linux === undefined) return "";
  const { uid, gid, supplementalGroups } = user.linux;
  const others = supplementalGroups.filter((group) => group !== gid);
  return `${uid}, group ${gid}${others.length > 0 ? `, also in ${others.join(", ")}` : ""}`;
}

/** Only what is limited; CRI has 0 for what is not. */
function resourceFields(limits: LinuxContainerResources | undefined): Field[] {
  if (limits === undefined) return [];
  const period = limits.cpuPeriod > 0n ? limits.cpuPeriod : 100_000n;
  const cpus = limits.cpuQuota > 0n ? Number(limits.cpuQuota) / Number(period) : 0;
  const plain = (value: bigint): string => (value === 0n ? "" : `${value}`);
  return [
    ["CPU limit", cpus > 0 ? `${Number(cpus.toFixed(3))} CPUs` : ""],
    ["CPU shares", plain(limits.cpuShares)],
    ["CPUs", limits.cpusetCpus],
    ["Memory nodes", limits.cpusetMems],
    ["Memory limit", formatLimit(limits.memoryLimitInBytes)],
    ["Memory and swap", formatLimit(limits.memorySwapLimitInBytes)],
    ["OOM score", plain(limits.oomScoreAdj)],
    ...limits.hugepageLimits
      .filter(({ limit }) => limit > 0n)
      .map(({ pageSize, limit }): Field => [`Pages of ${pageSize}`, formatLimit(limit)]),
    ...Object.entries(limits.unified).map(([name, value]): Field => [name, value]),
  ];
}

/** Bytes as a pod's specification has them: in the largest binary unit that is exact. */
function formatLimit(bytes: bigint): string {
  if (bytes === 0n) return "";
  if (bytes < 0n) return "unlimited";
  const units: [size: bigint, name: string][] = [
    [1n << 30n, "Gi"],
    [1n << 20n, "Mi"],
    [1n << 10n, "Ki"],
  ];
  const fits = units.find(([size]) => bytes % size === 0n);
  return fits ? `${bytes / fits[0]}${fits[1]}` : `${bytes} bytes`;
}

function mountRow(mount: Mount): string[] {
  const propagation = {
    [MountPropagation.PROPAGATION_PRIVATE]: [],
    [MountPropagation.PROPAGATION_HOST_TO_CONTAINER]: ["rslave"],
    [MountPropagation.PROPAGATION_BIDIRECTIONAL]: ["rshared"],
  };
  const image = mount.image?.image;
  const options = [
    mount.readonly ? "ro" : "rw",
    ...(mount.recursiveReadOnly ? ["recursive"] : []),
    ...(propagation[mount.propagation] ?? []),
    ...mount.mountOptions,
  ];
  const from = image
    ? `image ${image}${mount.imageSubPath && `, ${mount.imageSubPath}`}`
    : mount.hostPath;
  return [mount.containerPath, from, options.join(",")];
}
