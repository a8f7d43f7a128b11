import { lines } from "./parse.js";

/** One line of /proc/<pid>/mountinfo, see proc_pid_mountinfo(5). */
export interface MountInfo {
  /** The directory of the file system that is the root of this mount. */
  readonly root: string;
  /** Where it is mounted, as the process sees it. */
  readonly mountPoint: string;
  readonly fsType: string;
  /** The mounted device or name. */
  readonly source: string;
  /** Options of the file system itself; for cgroup v1 they name its controllers. */
  readonly superOptions: readonly string[];
}

/** Parses /proc/<pid>/mountinfo; lines that do not have the format are left out. */
export function parseMountInfo(text: string): MountInfo[] {
  const mounts: MountInfo[] = [];
  for (const line of lines(text)) {
    // The number of optional fields varies; a lone hyphen ends them.
    const separator = line.indexOf(" - ");
    if (separator === -1) continue;
    const before = line.slice(0, separator).split(" ");
    const after = line.slice(separator + 3).split(" ");
    const [, , , root, mountPoint] = before;
    const [fsType, source, superOptions] = after;
    if (root === undefined || mountPoint === undefined || fsType === undefined) continue;
    mounts.push({
      root: unescapeOctal(root),
      mountPoint: unescapeOctal(mountPoint),
      fsType,
      source: unescapeOctal(source ?? ""),
      superOptions: (superOptions ?? "").split(","),
    });
  }
  return mounts;
}

/** The kernel writes blank, tab, line end and backslash as \040, \011, \012 and \134. */
function unescapeOctal(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
