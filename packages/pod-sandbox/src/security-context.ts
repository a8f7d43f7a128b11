import type {
  LinuxContainerSecurityContext,
  LinuxSandboxSecurityContext,
  SELinuxOption,
} from "@dockershim/cri-types";
import { toCapabilities } from "./capabilities.js";
import type { HostConfig } from "./docker-create.js";
import type { EngineFacts } from "./engine-facts.js";
import {
  apparmorChoice,
  apparmorOption,
  compactJson,
  type ProfileChoice,
  seccompChoice,
  seccompOption,
} from "./security-profiles.js";

/** The security fields of Docker's `HostConfig`. */
export type SecurityFields = Pick<
  HostConfig,
  | "Privileged"
  | "ReadonlyRootfs"
  | "CapAdd"
  | "CapDrop"
  | "SecurityOpt"
  | "MaskedPaths"
  | "ReadonlyPaths"
>;

const sandboxField = "config.linux.security_context";
const containerField = "config.linux.security_context";

/**
 * Security of an app container. Without a security context Docker's own defaults apply.
 *
 * With one, masked and read-only paths are taken as they are, an empty list meaning none, and no
 * seccomp profile means unconfined: that is what the kubelet means by such messages. In a
 * privileged container capabilities, profiles, SELinux and both lists have no effect, as CRI
 * allows; seccomp is set to unconfined, since newer engines would honour a profile there.
 *
 * @param seccompText JSON text of the Localhost seccomp profile, when the config names one
 */
export function containerSecurity(
  context: LinuxContainerSecurityContext | undefined,
  seccompText: string | undefined,
  engine: EngineFacts,
): SecurityFields {
  if (context === undefined) return {};
  const options: (string | undefined)[] = context.noNewPrivs ? ["no-new-privileges"] : [];
  const readonlyRootfs = context.readonlyRootfs ? { ReadonlyRootfs: true } : {};
  if (context.privileged) {
    return {
      Privileged: true,
      ...readonlyRootfs,
      SecurityOpt: compact([...options, "seccomp=unconfined"]),
      MaskedPaths: [],
      ReadonlyPaths: [],
    };
  }
  const seccomp = seccompChoice(context.seccomp, context.seccompProfilePath, containerField);
  const apparmor = apparmorChoice(context.apparmor, context.apparmorProfile, containerField);
  options.push(
    ...selinuxOptions(context.selinuxOptions),
    apparmorOption(apparmor, engine, containerField),
    seccompOption(seccomp, seccompText, engine, containerField),
  );
  return {
    ...readonlyRootfs,
    ...toCapabilities(context.capabilities),
    SecurityOpt: compact(options),
    MaskedPaths: [...context.maskedPaths],
    ReadonlyPaths: [...context.readonlyPaths],
  };
}

/**
 * Security of the pause container. It always runs with no-new-privileges and, unless the config
 * wants it unconfined, under seccomp.
 *
 * @param seccompText JSON text of a profile: the Localhost one, or a small one for the pause
 *   process that stands in for the engine's default
 */
export function sandboxSecurity(
  context: LinuxSandboxSecurityContext | undefined,
  seccompText: string | undefined,
  engine: EngineFacts,
): SecurityFields {
  const options: (string | undefined)[] = ["no-new-privileges"];
  const readonlyRootfs = context?.readonlyRootfs ? { ReadonlyRootfs: true } : {};
  if (context?.privileged) {
    return {
      Privileged: true,
      ...readonlyRootfs,
      SecurityOpt: compact([...options, "seccomp=unconfined"]),
    };
  }
  const apparmor = apparmorChoice(context?.apparmor, "", sandboxField);
  options.push(
    ...selinuxOptions(context?.selinuxOptions),
    apparmorOption(apparmor, engine, sandboxField),
    sandboxSeccomp(sandboxSeccompChoice(context), seccompText, engine),
  );
  return { ...readonlyRootfs, SecurityOpt: compact(options) };
}

/**
 * The seccomp profile of a sandbox. A config that says nothing means the app containers have no
 * profile; the pause process is better off with the engine's default.
 */
export function sandboxSeccompChoice(
  context: LinuxSandboxSecurityContext | undefined,
): ProfileChoice {
  const silent =
    context === undefined || (context.seccomp === undefined && context.seccompProfilePath === "");
  if (silent) return { type: "runtime-default" };
  return seccompChoice(context.seccomp, context.seccompProfilePath, sandboxField);
}

function sandboxSeccomp(
  choice: ProfileChoice,
  text: string | undefined,
  engine: EngineFacts,
): string | undefined {
  if (choice.type !== "runtime-default" || text === undefined || !engine.seccomp) {
    return seccompOption(choice, text, engine, sandboxField);
  }
  return `seccomp=${compactJson(text, `${sandboxField}.seccomp`)}`;
}

function selinuxOptions(selinux: SELinuxOption | undefined): string[] {
  const { user = "", role = "", type = "", level = "" } = selinux ?? {};
  return Object.entries({ user, role, type, level })
    .filter(([, value]) => value !== "")
    .map(([key, value]) => `label=${key}:${value}`);
}

function compact(options: readonly (string | undefined)[]): string[] {
  return options.filter((option) => option !== undefined);
}
