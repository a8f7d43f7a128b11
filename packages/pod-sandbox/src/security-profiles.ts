import {
  SecurityProfile_ProfileType as ProfileType,
  type SecurityProfile,
} from "@dockershim/cri-types";
import type { EngineFacts } from "./engine-facts.js";
import { PodSandboxError } from "./pod-sandbox-error.js";

/** A security profile as it is asked for, through CRI's new or deprecated field. */
export type ProfileChoice =
  | { type: "runtime-default" }
  | { type: "unconfined" }
  | { type: "localhost"; ref: string };

const prefix = "localhost/";

/**
 * The seccomp profile asked for. The message wins over the deprecated string; nothing at all
 * means unconfined, as CRI says.
 *
 * @param field path of the security context, for errors
 */
export function seccompChoice(
  profile: SecurityProfile | undefined,
  deprecated: string,
  field: string,
): ProfileChoice {
  const choice = choose(profile, `${field}.seccomp`) ??
    chooseByText(deprecated, `${field}.seccomp_profile_path`) ?? { type: "unconfined" };
  if (choice.type === "localhost" && !choice.ref.startsWith("/")) {
    const reason = `localhost profile ${JSON.stringify(choice.ref)} must be an absolute path`;
    throw new PodSandboxError("invalid_argument", `${field}.seccomp`, reason);
  }
  return choice;
}

/** The AppArmor profile asked for; nothing at all means the engine's default. */
export function apparmorChoice(
  profile: SecurityProfile | undefined,
  deprecated: string,
  field: string,
): ProfileChoice {
  return (
    choose(profile, `${field}.apparmor`) ??
    chooseByText(deprecated, `${field}.apparmor_profile`) ?? { type: "runtime-default" }
  );
}

/**
 * Docker's security option for seccomp.
 *
 * @param text JSON text of the profile's file, for a localhost profile
 * @returns undefined for the engine's default profile
 */
export function seccompOption(
  choice: ProfileChoice,
  text: string | undefined,
  engine: EngineFacts,
  field: string,
): string | undefined {
  if (choice.type === "unconfined") return "seccomp=unconfined";
  if (choice.type === "runtime-default") return undefined;
  if (!engine.seccomp) {
    const reason = "the engine's kernel has no seccomp, so a profile cannot be applied";
    throw new PodSandboxError("failed_precondition", `${field}.seccomp`, reason);
  }
  if (text === undefined) {
    const reason = `profile ${JSON.stringify(choice.ref)} could not be read`;
    throw new PodSandboxError("invalid_argument", `${field}.seccomp.localhost_ref`, reason);
  }
  return `seccomp=${compactJson(text, `${field}.seccomp.localhost_ref`)}`;
}

/**
 * Docker's security option for AppArmor. Docker would start a container unconfined without a
 * word where the kernel has no AppArmor; a pod that names a profile had better not start.
 *
 * @returns undefined for the engine's default profile
 */
export function apparmorOption(
  choice: ProfileChoice,
  engine: EngineFacts,
  field: string,
): string | undefined {
  if (choice.type === "runtime-default") return undefined;
  if (choice.type === "unconfined") return engine.apparmor ? "apparmor=unconfined" : undefined;
  if (!engine.apparmor) {
    const reason = `profile ${JSON.stringify(choice.ref)} is asked for, but the node has no AppArmor`;
    throw new PodSandboxError("failed_precondition", `${field}.apparmor`, reason);
  }
  return `apparmor=${choice.ref}`;
}

/** A profile's JSON on one line: Docker keeps it in the container's config. */
export function compactJson(text: string, field: string): string {
  let profile: unknown;
  try {
    profile = JSON.parse(text);
  } catch (cause) {
    throw new PodSandboxError("invalid_argument", field, "the profile is not JSON", { cause });
  }
  if (typeof profile !== "object" || profile === null || Array.isArray(profile)) {
    throw new PodSandboxError("invalid_argument", field, "the profile is not a JSON object");
  }
  return JSON.stringify(profile);
}

function choose(profile: SecurityProfile | undefined, field: string): ProfileChoice | undefined {
  if (profile === undefined) return undefined;
  switch (profile.profileType) {
    case ProfileType.RuntimeDefault:
    case ProfileType.Unconfined:
      if (profile.localhostRef !== "") {
        const reason = "may only be set with a Localhost profile";
        throw new PodSandboxError("invalid_argument", `${field}.localhost_ref`, reason);
      }
      return {
        type: profile.profileType === ProfileType.Unconfined ? "unconfined" : "runtime-default",
      };
    case ProfileType.Localhost:
      if (profile.localhostRef === "") {
        const reason = "must not be empty with a Localhost profile";
        throw new PodSandboxError("invalid_argument", `${field}.localhost_ref`, reason);
      }
      // Some clients keep the prefix of the deprecated string.
      return { type: "localhost", ref: withoutPrefix(profile.localhostRef) };
    default: {
      const reason = `unknown value ${profile.profileType}`;
      throw new PodSandboxError("invalid_argument", `${field}.profile_type`, reason);
    }
  }
}

function chooseByText(text: string, field: string): ProfileChoice | undefined {
  if (text === "") return undefined;
  if (text === "runtime/default" || text === "docker/default") return { type: "runtime-default" };
  if (text === "unconfined") return { type: "unconfined" };
  if (text.startsWith(prefix) && text.length > prefix.length) {
    return { type: "localhost", ref: withoutPrefix(text) };
  }
  const reason = `${JSON.stringify(text)} is none of runtime/default, unconfined and localhost/…`;
  throw new PodSandboxError("invalid_argument", field, reason);
}

function withoutPrefix(ref: string): string {
  return ref.startsWith(prefix) ? ref.slice(prefix.length) : ref;
}
