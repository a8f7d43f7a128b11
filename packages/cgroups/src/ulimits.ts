import { lines, parseCount } from "./parse.js";
import { createRecordFiles, type RecordFiles } from "./record-files.js";

/** One resource limit of a process. */
export interface Ulimit {
  /** As /proc/<pid>/limits names it, in lower case with underscores: `max_open_files`. */
  readonly name: string;
  /** undefined when unlimited. */
  readonly soft: bigint | undefined;
  /** undefined when unlimited. */
  readonly hard: bigint | undefined;
}

/**
 * Limits of a process, from /proc/<pid>/limits (proc_pid_limits(5)); undefined when it is gone.
 *
 * @param procRoot Where proc is mounted, mostly `/proc`.
 */
export function readUlimits(
  procRoot: string,
  pid: number,
  files: RecordFiles = createRecordFiles(0),
): readonly Ulimit[] | undefined {
  const text = files.read(`${procRoot}/${pid}`, "limits");
  // The file of a process that is ending can still be opened, but it is empty.
  if (text === undefined || text === "") return undefined;
  if (text !== latest?.text) latest = { text, limits: parseUlimits(text) };
  return latest.limits;
}

/** Most containers of a machine have the same limits. */
let latest: { readonly text: string; readonly limits: readonly Ulimit[] } | undefined;

/** Parses the table: name, soft limit, hard limit, and a unit that some rows lack. */
export function parseUlimits(text: string): Ulimit[] {
  const limits: Ulimit[] = [];
  for (const line of lines(text)) {
    const [, name, soft, hard] = /^(\S+(?: \S+)*) {2,}(\S+) +(\S+)/.exec(line) ?? [];
    if (name === undefined || name === "Limit") continue;
    limits.push({
      name: name.toLowerCase().replaceAll(" ", "_"),
      soft: parseCount(soft),
      hard: parseCount(hard),
    });
  }
  return limits;
}
