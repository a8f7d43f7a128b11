import { readFileSync } from "node:fs";
import { unescapeMountPath } from "../state/mount-path.js";
import type { StoreRecord } from "../state/records.js";

/**
 * The directory that takes what a container writes over its image, as overlay2 has it.
 *
 * Engines with the containerd image store do not tell it; there the mount of the running container
 * does, whose options the kernel shows in /proc/<pid>/mountinfo (proc_pid_mountinfo(5)).
 *
 * @returns undefined for other storage drivers, and for a container that neither tells.
 */
export function writableLayerOf({ inspect }: Pick<StoreRecord, "inspect">): string | undefined {
  const told = inspect.GraphDriver?.Data?.UpperDir;
  if (told !== undefined && told !== "") return told;
  const { Pid: pid } = inspect.State;
  return pid > 0 ? upperDirOfRoot(pid) : undefined;
}

function upperDirOfRoot(pid: number): string | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/mountinfo`, "utf8");
  } catch {
    // It ended meanwhile.
    return undefined;
  }
  return parseUpperDir(text);
}

/** The upper directory of the overlay that is mounted at `/`, from the text of a mountinfo. */
export function parseUpperDir(mountinfo: string): string | undefined {
  for (const line of mountinfo.split("\n")) {
    const fields = line.split(" ");
    const [, , , , mountPoint] = fields;
    const [type, , options] = fields.slice(fields.indexOf("-") + 1);
    if (mountPoint !== "/" || type !== "overlay") continue;
    const upper = options?.split(",").find((option) => option.startsWith("upperdir="));
    return upper && unescapeMountPath(upper.slice("upperdir=".length));
  }
  return undefined;
}
