import {
  type Capability,
  type IDMapping,
  type Int64Value,
  NamespaceMode,
  type NamespaceOption,
  type SELinuxOption,
  SupplementalGroupsPolicy,
} from "@dockershim/cri-types";
import { PodSandboxError } from "./pod-sandbox-error.js";

const maxId = 0xffff_fffen;

function refuse(field: string, reason: string): never {
  throw new PodSandboxError("invalid_argument", field, reason);
}

/**
 * Checks namespace options. A user namespace of the pod's own has one mapping of users and one of groups, which both
 * begin with root, as the kubelet sends them; and it owns the pod's other namespaces.
 *
 * @param isSandbox a sandbox has no container to target
 */
export function validateNamespaceOptions(
  options: NamespaceOption | undefined,
  field: string,
  isSandbox: boolean,
): void {
  if (options === undefined) return;
  for (const name of ["network", "pid", "ipc"] as const) {
    const mode = options[name];
    if (NamespaceMode[mode] === undefined) refuse(`${field}.${name}`, `unknown mode ${mode}`);
    if (mode === NamespaceMode.TARGET && (name !== "pid" || isSandbox)) {
      refuse(`${field}.${name}`, "TARGET is for the pid namespace of a container only");
    }
  }
  if (options.network === NamespaceMode.CONTAINER && !isSandbox) {
    // Kubernetes has no way to ask for it, and the pod's IP would not be the container's.
    refuse(`${field}.network`, "a container's network is its pod's; CONTAINER is not possible");
  }
  if (options.pid === NamespaceMode.TARGET && options.targetId === "") {
    refuse(`${field}.target_id`, "must not be empty with pid TARGET");
  }
  const user = options.usernsOptions;
  if (user === undefined || user.mode === NamespaceMode.NODE) return;
  const path = `${field}.userns_options`;
  if (user.mode !== NamespaceMode.POD) refuse(`${path}.mode`, "may be POD or NODE only");
  validateMapping(user.uids, `${path}.uids`);
  validateMapping(user.gids, `${path}.gids`);
  for (const name of ["network", "pid", "ipc"] as const) {
    if (options[name] !== NamespaceMode.NODE) continue;
    refuse(`${field}.${name}`, "must not be the node's in a pod with a user namespace of its own");
  }
}

function validateMapping(mappings: readonly IDMapping[], field: string): void {
  const [mapping] = mappings;
  if (mapping === undefined || mappings.length > 1) refuse(field, "must be one mapping");
  validateMappings(mappings, field);
  if (mapping.containerId !== 0) refuse(`${field}[0].container_id`, "must be 0, which is root");
  // Root of the namespace would be root of the node.
  if (mapping.hostId === 0) refuse(`${field}[0].host_id`, "must not be 0");
}

/** Checks that mappings map something, and to ids that there are. */
export function validateMappings(mappings: readonly IDMapping[], field: string): void {
  for (const [index, { containerId, hostId, length }] of mappings.entries()) {
    if (length === 0) refuse(`${field}[${index}].length`, "must not be 0");
    if (Math.max(containerId, hostId) + length - 1 <= maxId) continue;
    refuse(`${field}[${index}].length`, `leads beyond ${maxId}`);
  }
}

/** The user fields that sandboxes and containers share. */
export interface UserContext {
  runAsUser?: Int64Value | undefined;
  runAsGroup?: Int64Value | undefined;
  runAsUsername?: string;
  supplementalGroups: readonly bigint[];
  supplementalGroupsPolicy: SupplementalGroupsPolicy;
}

/** Checks user, group and supplementary groups. */
export function validateUser(context: UserContext, field: string): void {
  const { runAsUser, runAsGroup, runAsUsername = "" } = context;
  if (runAsUser !== undefined) validateId(runAsUser.value, `${field}.run_as_user`);
  if (runAsGroup !== undefined) validateId(runAsGroup.value, `${field}.run_as_group`);
  if (runAsUser !== undefined && runAsUsername !== "") {
    refuse(`${field}.run_as_username`, "must not be given together with run_as_user");
  }
  if (!/^[^:\s\0]*$/.test(runAsUsername)) {
    refuse(`${field}.run_as_username`, `${JSON.stringify(runAsUsername)} is no user name`);
  }
  if (runAsGroup !== undefined && runAsUser === undefined && runAsUsername === "") {
    refuse(`${field}.run_as_group`, "needs run_as_user or run_as_username");
  }
  for (const [index, group] of context.supplementalGroups.entries()) {
    validateId(group, `${field}.supplemental_groups[${index}]`);
  }
  const policy = context.supplementalGroupsPolicy;
  if (SupplementalGroupsPolicy[policy] === undefined) {
    refuse(`${field}.supplemental_groups_policy`, `unknown value ${policy}`);
  }
}

function validateId(id: bigint, field: string): void {
  if (id < 0n || id > maxId) refuse(field, `must be from 0 to ${maxId}, but is ${id}`);
}

/** Checks capability names; ambient ones are refused, since Docker has no option for them. */
export function validateCapabilities(capabilities: Capability | undefined, field: string): void {
  if (capabilities === undefined) return;
  for (const [name, list] of [
    ["add_capabilities", capabilities.addCapabilities],
    ["drop_capabilities", capabilities.dropCapabilities],
  ] as const) {
    for (const capability of list) {
      if (/^[A-Za-z][A-Za-z0-9_]*$/.test(capability)) continue;
      refuse(`${field}.${name}`, `${JSON.stringify(capability)} is no capability`);
    }
  }
  if (capabilities.addAmbientCapabilities.length === 0) return;
  throw new PodSandboxError(
    "unimplemented",
    `${field}.add_ambient_capabilities`,
    "Docker cannot set ambient capabilities",
  );
}

/** Checks SELinux options, which become one text per option. */
export function validateSelinux(selinux: SELinuxOption | undefined, field: string): void {
  if (selinux === undefined) return;
  for (const name of ["user", "role", "type", "level"] as const) {
    const value = selinux[name];
    if (!/^[A-Za-z0-9_.:,-]*$/.test(value)) {
      refuse(`${field}.${name}`, `${JSON.stringify(value)} is no part of an SELinux label`);
    }
  }
}
