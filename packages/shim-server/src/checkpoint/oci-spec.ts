import { readFile } from "node:fs/promises";
import { ShimError } from "../shim-error.js";

/**
 * The OCI runtime's `config.json` of a running container, as text.
 *
 * No route of the engine tells it. containerd's shim works in the folder with the bundle of the
 * container that it was started for, beside which those of all others are; and it is the parent of each
 * container's first process.
 *
 * @param pid The container's first process.
 * @throws ShimError `internal` where it cannot be had.
 */
export async function readOciSpec(id: string, pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // Of the fields behind the program's name, which may have spaces and brackets, the second is the parent.
    const [, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return await readFile(`/proc/${parent}/cwd/../${id}/config.json`, "utf8");
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new ShimError("internal", `could not read the container's OCI specification: ${reason}`, {
      cause,
    });
  }
}
