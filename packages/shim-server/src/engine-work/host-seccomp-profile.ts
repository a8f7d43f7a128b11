import { constants } from "node:fs";
import { open } from "node:fs/promises";
import type { ProfileChoice } from "@dockershim/pod-sandbox";
import { ShimError } from "../shim-error.js";

/** Docker keeps the profile in each container's config; the greatest ones in use are a tenth of it. */
const maxProfileBytes = 1024 * 1024;

/**
 * The text of a Localhost seccomp profile. Docker's API takes the profile itself, where CRI names
 * a file of the node.
 *
 * @param field The CRI field, for errors.
 * @returns Undefined for a choice that names no file.
 * @throws ShimError `invalid_argument` when the file cannot be read.
 */
export async function readSeccompProfile(
  choice: ProfileChoice,
  field: string,
): Promise<string | undefined> {
  if (choice.type !== "localhost") return undefined;
  try {
    return await readRegularFile(choice.ref);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ShimError("invalid_argument", `${field}: cannot read the profile: ${reason}`, {
      cause,
    });
  }
}

async function readRegularFile(path: string): Promise<string> {
  // Without O_NONBLOCK a FIFO in the profile's place would hold the call for ever.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new Error(`${path} is not a regular file`);
    if (stat.size > maxProfileBytes) {
      throw new Error(`${path} is larger than ${maxProfileBytes} bytes`);
    }
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}
