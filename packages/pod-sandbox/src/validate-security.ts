import {
  type Capability,
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
 * Checks namespace options. A user namespace of the pod's own is refused: Docker has a daemon-wide
 * remapping only.
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
  const reason = "Docker has no user namespaces per pod; run the pod with the node's (hostUsers)";
  throw new PodSandboxError("unimplemented", path, reason);
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
