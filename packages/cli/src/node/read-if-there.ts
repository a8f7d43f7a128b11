import { readFile } from "node:fs/promises";
import { describeReadError } from "../machine/read-error.js";

/** A file's text; undefined where there is none, and why it cannot be read otherwise. */
export async function readIfThere(
  file: string,
): Promise<string | { readonly problem: string } | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    return { problem: describeReadError(error) };
  }
}
