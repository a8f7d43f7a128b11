import { NamespaceMode, type NamespaceOption } from "@dockershim/cri-types";
import type { HostConfig } from "./docker-create.js";

/** The namespace fields of Docker's `HostConfig`. */
export type NamespaceFields = Pick<HostConfig, "NetworkMode" | "IpcMode" | "PidMode" | "UTSMode">;

/** Whether the pod uses the node's network. */
export function usesHostNetwork(options: NamespaceOption | undefined): boolean {
  return options?.network === NamespaceMode.NODE;
}

/**
 * Namespaces of a sandbox: it makes those that its containers join. A pod's pid namespace is the
 * pause process's own whatever the mode, unless it is the node's.
 *
 * @param networkMode network of a pod that does not ask for the node's
 */
export function sandboxNamespaces(
  options: NamespaceOption | undefined,
  networkMode: "none" | "host",
): NamespaceFields {
  const host = usesHostNetwork(options) || networkMode === "host";
  return {
    NetworkMode: host ? "host" : "none",
    IpcMode: options?.ipc === NamespaceMode.NODE ? "host" : "shareable",
    ...(options?.pid === NamespaceMode.NODE ? { PidMode: "host" } : {}),
    // The node's network goes with the node's hostname.
    ...(host ? { UTSMode: "host" } : {}),
  };
}

/**
 * Namespaces of a container. The network is always the sandbox's, even where that one uses the
 * node's: so Docker gives the container the pod's resolv.conf, hosts and hostname files.
 */
export function containerNamespaces(
  options: NamespaceOption | undefined,
  sandboxId: string,
): NamespaceFields {
  const ofSandbox = `container:${sandboxId}`;
  const pid = pidMode(options, ofSandbox);
  return {
    NetworkMode: ofSandbox,
    IpcMode: ipcMode(options, ofSandbox),
    ...(pid !== undefined ? { PidMode: pid } : {}),
    ...(usesHostNetwork(options) ? { UTSMode: "host" } : {}),
  };
}

function pidMode(options: NamespaceOption | undefined, ofSandbox: string): string | undefined {
  switch (options?.pid ?? NamespaceMode.POD) {
    case NamespaceMode.POD:
      return ofSandbox;
    case NamespaceMode.NODE:
      return "host";
    case NamespaceMode.TARGET:
      return `container:${options?.targetId}`;
    default:
      return undefined;
  }
}

function ipcMode(options: NamespaceOption | undefined, ofSandbox: string): string {
  switch (options?.ipc) {
    case NamespaceMode.NODE:
      return "host";
    case NamespaceMode.CONTAINER:
      return "private";
    default:
      return ofSandbox;
  }
}
