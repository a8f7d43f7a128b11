import {
  type LinuxContainerSecurityContext,
  SupplementalGroupsPolicy,
} from "@dockershim/cri-types";
import type { HostConfig } from "./docker-create.js";
import { PodSandboxError } from "./pod-sandbox-error.js";

/** A user as an image's own /etc/passwd and /etc/group describe it. */
export interface ImageUser {
  uid: number;
  gid: number;
  /** Supplementary groups by membership in /etc/group. */
  groups: readonly number[];
}

/** The `User` and `GroupAdd` fields of a create body. */
export interface UserFields {
  User?: string;
  GroupAdd?: HostConfig["GroupAdd"];
}

type UserContext = Pick<
  LinuxContainerSecurityContext,
  "runAsUser" | "runAsGroup" | "runAsUsername" | "supplementalGroups" | "supplementalGroupsPolicy"
>;

// Docker adds the groups that the image's /etc/group lists for a user only where `User` names no
// group. So a group of its own means CRI's Strict and none means Merge, and the two other
// combinations need to know what the image's files say.

/**
 * Which user the server must look up in the image's /etc/passwd and /etc/group (see
 * `resolveImageUser`) before it plans a container: either Strict is asked for without a group,
 * or Merge with one.
 *
 * @param imageUser `Config.User` of the image
 * @returns a name or uid; undefined where Docker's own rules do, which is the usual case
 */
export function imageUserNeeded(
  context: UserContext | undefined,
  imageUser: string,
): string | undefined {
  const { user, hasGroup } = effectiveUser(context, imageUser);
  const strict = context?.supplementalGroupsPolicy === SupplementalGroupsPolicy.Strict;
  return strict === hasGroup ? undefined : user;
}

/**
 * Docker's `User` and `GroupAdd`.
 *
 * @param imageUser `Config.User` of the image
 * @param resolved what the image says of the user that `imageUserNeeded` named
 * @throws PodSandboxError where the lookup was needed and is missing
 */
export function toUserFields(
  context: UserContext | undefined,
  imageUser: string,
  resolved: ImageUser | undefined,
): UserFields {
  if (context === undefined) return {};
  const { user, asked, hasGroup } = effectiveUser(context, imageUser);
  const groups = context.supplementalGroups.map(String);
  const needed = imageUserNeeded(context, imageUser) !== undefined;
  if (needed && resolved === undefined) {
    throw new PodSandboxError(
      "failed_precondition",
      "config.linux.security_context.supplemental_groups_policy",
      `user ${JSON.stringify(user)} was not found in the image's /etc/passwd`,
    );
  }
  let text = asked;
  if (context.runAsGroup !== undefined) text = `${asked}:${context.runAsGroup.value}`;
  else if (needed && !hasGroup) text = `${user}:${resolved?.gid}`;
  if (needed && hasGroup) groups.unshift(...(resolved?.groups ?? []).map(String));
  const unique = [...new Set(groups)];
  return {
    ...(text !== "" ? { User: text } : {}),
    ...(unique.length > 0 ? { GroupAdd: unique } : {}),
  };
}

function effectiveUser(context: UserContext | undefined, imageUser: string) {
  const asked = context?.runAsUsername || (context?.runAsUser?.value.toString() ?? "");
  const [user = "", group] = (asked === "" ? imageUser : asked).split(":");
  return {
    /** What CRI itself asks for; empty means the image's. */
    asked,
    user: user === "" ? "0" : user,
    hasGroup: context?.runAsGroup !== undefined || (group ?? "") !== "",
  };
}

/**
 * Finds a user in the texts of an image's /etc/passwd and /etc/group, either of which may be
 * empty where the image has no such file.
 *
 * @param user a name or a decimal uid
 * @returns undefined for a name that is not listed; an unlisted uid has group 0 and no others,
 *   as it has in Docker
 */
export function resolveImageUser(
  user: string,
  passwd: string,
  group: string,
): ImageUser | undefined {
  const numeric = /^\d+$/.test(user);
  const entry = table(passwd).find(([name, , uid]) => name === user || (numeric && uid === user));
  if (entry === undefined) return numeric ? { uid: Number(user), gid: 0, groups: [] } : undefined;
  const [name = "", , uid, gid] = entry;
  const groups = table(group)
    .filter(([, , , members = ""]) => members.split(",").includes(name))
    .map(([, , id]) => Number(id))
    .filter((id) => Number.isInteger(id));
  return { uid: Number(uid), gid: Number(gid), groups };
}

function table(text: string): string[][] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(":"));
}
