import { type IDMapping, NamespaceMode, type NamespaceOption } from "@dockershim/cri-types";
import {
  cleanPath,
  type OciIdMapping,
  type OciSpec,
  type UserNamespacePatch,
} from "./spec-patch.js";

/** What is known of a container with a user namespace only when it is about to be made. */
export interface UserNamespaceFacts {
  /** Where its root file system is, as root of the namespace is to see it. */
  readonly root: string;
  /** The sandbox's first process, whose namespace is joined. */
  readonly sandboxPid?: number | undefined;
  /** The engine's own folder (`DockerRootDir`), from which it mounts what it makes by itself. */
  readonly engineRoot: string;
}

/** What Docker lets send pings in every network that is not the node's: all groups, of which a namespace has few. */
const pingGroups = "net.ipv4.ping_group_range";
const everyGroup = "0 2147483647";

/** Below the engine's folder: volumes, and the files that it makes of a pod's network. Root of the pod owns them. */
const ofEngine = /^\/(?:volumes\/|containers\/[^/]+\/(?:resolv\.conf|hosts|hostname)$)/;

/** The mappings that checked options of a sandbox ask for; undefined for the node's user namespace. */
export function userNamespaceOf(
  options: NamespaceOption | undefined,
): Pick<UserNamespacePatch, "uids" | "gids"> | undefined {
  const user = options?.usernsOptions;
  if (user === undefined || user.mode !== NamespaceMode.POD) return undefined;
  return { uids: toOciMappings(user.uids), gids: toOciMappings(user.gids) };
}

export function toOciMappings(mappings: readonly IDMapping[]): OciIdMapping[] {
  return mappings.map(({ containerId, hostId, length }) => ({
    containerID: containerId,
    hostID: hostId,
    size: length,
  }));
}

/** Puts a container into a user namespace. The spec itself stays as it is. */
export function applyUserNamespace(
  spec: OciSpec,
  { uids, gids }: UserNamespacePatch,
  { root, sandboxPid, engineRoot }: UserNamespaceFacts,
): OciSpec {
  const linux = { ...(spec.linux as OciSpec | undefined) };
  const namespaces = (linux.namespaces ?? []) as { type: string }[];
  const sysctl = { ...(linux.sysctl as Record<string, string> | undefined) };
  const groups = gids.reduce(
    (most, { containerID, size }) => Math.max(most, containerID + size),
    0,
  );
  if (sysctl[pingGroups] === everyGroup) sysctl[pingGroups] = `0 ${groups - 1}`;
  const mounts = ((spec.mounts ?? []) as { source?: string; type?: string }[]).map((mount) => {
    const source = cleanPath(mount.source ?? "");
    const made = source.startsWith(engineRoot) && ofEngine.test(source.slice(engineRoot.length));
    return made && mount.type === "bind"
      ? { uidMappings: uids, gidMappings: gids, ...mount }
      : mount;
  });
  return {
    ...spec,
    root: { ...(spec.root as OciSpec | undefined), path: root },
    mounts,
    linux: {
      ...linux,
      sysctl,
      uidMappings: uids,
      gidMappings: gids,
      namespaces: [
        ...namespaces.filter(({ type }) => type !== "user"),
        sandboxPid === undefined
          ? { type: "user" }
          : { type: "user", path: `/proc/${sandboxPid}/ns/user` },
      ],
    },
  };
}
