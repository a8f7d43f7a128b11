import type { CriClient } from "@dockershim/cri-client";
import {
  type ContainerStatus,
  NamespaceMode,
  type NamespaceOption,
  PodSandboxState,
} from "@dockershim/cri-types";
import { containerStateName } from "../objects/container-state.js";
import { notFound } from "../objects/find-by-reference.js";
import type { SandboxCandidate } from "../objects/find-sandbox.js";
import { ignoreNotFound } from "../objects/ignore-not-found.js";
import { podAddresses } from "../objects/pod-addresses.js";
import { formatAge } from "../output/age.js";
import { shortId } from "../output/short-id.js";
import {
  describeExitCode,
  fieldSection,
  formatTime,
  joinSections,
  pairSection,
  tableSection,
} from "./description.js";

/**
 * Describes a pod's sandbox for people, with what became of its containers, newest first.
 *
 * @param nowMs Milliseconds since the epoch.
 * @throws CriClientError; CliError not-found where the runtime has lost it meanwhile.
 */
export async function describePod(
  client: CriClient,
  found: SandboxCandidate,
  nowMs: number,
): Promise<string> {
  const [{ status }, containers] = await Promise.all([
    client.runtime.podSandboxStatus({ podSandboxId: found.id }),
    containerStatuses(client, found.id),
  ]);
  if (status === undefined) throw notFound(found.id, "pod");
  return joinSections([
    fieldSection("", [
      ["Pod:", found.names.at(-1) ?? ""],
      ["ID:", status.id],
      ["UID:", status.metadata?.uid ?? ""],
      ["State:", status.state === PodSandboxState.SANDBOX_READY ? "Ready" : "NotReady"],
      ["Created:", formatTime(status.createdAt, nowMs)],
      ["Attempt:", `${status.metadata?.attempt ?? 0}`],
      ["Runtime:", status.runtimeHandler || "(default)"],
      ["Addresses:", podAddresses(status)],
      ["Namespaces:", namespaces(status.linux?.namespaces?.options)],
    ]),
    tableSection(
      "Containers",
      ["name", "attempt", "state", "exit code", "reason", "started", "id"],
      containers.map((each) => containerRow(each, nowMs)),
    ),
    fieldSection(
      "Messages",
      containers.map(({ metadata, message }) => [
        `${metadata?.name}, attempt ${metadata?.attempt}`,
        message,
      ]),
    ),
    pairSection("Labels", status.labels),
    pairSection("Annotations", status.annotations),
  ]);
}

async function containerStatuses(
  client: CriClient,
  podSandboxId: string,
): Promise<ContainerStatus[]> {
  const { containers } = await client.runtime.listContainers({ filter: { podSandboxId } });
  const replies = await Promise.all(
    containers.map(({ id }) =>
      client.runtime.containerStatus({ containerId: id }).catch(ignoreNotFound),
    ),
  );
  return replies
    .flatMap((reply) => reply?.status ?? [])
    .sort((a, b) => Number(b.createdAt - a.createdAt));
}

function containerRow(status: ContainerStatus, nowMs: number): string[] {
  return [
    status.metadata?.name ?? "",
    `${status.metadata?.attempt ?? 0}`,
    containerStateName(status.state),
    status.finishedAt > 0n ? describeExitCode(status.exitCode) : "",
    status.reason,
    status.startedAt > 0n ? `${formatAge(status.startedAt, nowMs)} ago` : "never",
    shortId(status.id, false),
  ];
}

function namespaces(options: NamespaceOption | undefined): string {
  if (options === undefined) return "";
  const names = {
    [NamespaceMode.POD]: "the pod's",
    [NamespaceMode.CONTAINER]: "each container's own",
    [NamespaceMode.NODE]: "the node's",
    [NamespaceMode.TARGET]: "another container's",
  };
  const { network, pid, ipc } = options;
  return `network ${names[network]}, PID ${names[pid]}, IPC ${names[ipc]}`;
}
