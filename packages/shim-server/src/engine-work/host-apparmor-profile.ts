import { readFile } from "node:fs/promises";
import type { ProfileChoice } from "@dockershim/pod-sandbox";
import { ShimError } from "../shim-error.js";

/** What the kernel has loaded, a line `name (mode)` for each profile; only root may read it. */
const loadedProfiles = "/sys/kernel/security/apparmor/profiles";

/**
 * Refuses a Localhost AppArmor profile that is not loaded. Docker takes any name at create, and
 * lets the start fail.
 *
 * @param field The CRI field, for errors.
 * @param file Where the kernel lists its profiles. Where it cannot be read (a daemon in a
 *   container without securityfs), the start has to tell.
 * @throws ShimError `failed_precondition` when the kernel has no such profile.
 */
export async function requireApparmorProfile(
  choice: ProfileChoice,
  field: string,
  file: string = loadedProfiles,
): Promise<void> {
  if (choice.type !== "localhost") return;
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined || profileNames(text).has(choice.ref)) return;
  const reason = `profile ${JSON.stringify(choice.ref)} is not loaded on this node`;
  throw new ShimError("failed_precondition", `${field}: ${reason}`);
}

/** A name may have spaces and parentheses itself; the mode is the last word. */
function profileNames(text: string): Set<string> {
  return new Set(text.split("\n").map((line) => line.replace(/ \([a-z]+\)$/, "")));
}
