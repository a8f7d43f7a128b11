import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** What proc(5) tells of a process. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  /** Id of the session, which is the process id of the one that made it. */
  readonly session: number;
  /** In clock ticks since the machine started. */
  readonly startTime: number;
}

/**
 * All processes of a container.
 *
 * @param mainPid The container's first process, which tells where its cgroup is.
 */
export function readContainerProcesses(
  mainPid: number,
  containerId: string,
): Map<number, ProcessEntry> {
  const table = new Map<number, ProcessEntry>();
  for (const pid of cgroupMembers(mainPid, containerId) ?? scanForMembers(containerId)) {
    const entry = parseStat(readOrEmpty(`/proc/${pid}/stat`));
    if (entry !== undefined) table.set(entry.pid, entry);
  }
  return table;
}

/** Undefined if the cgroup is not mounted where it is expected. */
function cgroupMembers(mainPid: number, containerId: string): number[] | undefined {
  for (const line of readOrEmpty(`/proc/${mainPid}/cgroup`).split("\n")) {
    const [, controllers = "", path = ""] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    // What runs an init system puts its processes into cgroups below its own.
    const own = path.slice(0, path.indexOf("/", path.indexOf(containerId)) >>> 0);
    if (!own.includes(containerId)) continue;
    for (const mount of [controllers.replace(/^name=/, ""), "unified"]) {
      const members = membersBelow(`/sys/fs/cgroup/${mount}${own}`);
      if (members !== undefined) return members;
    }
  }
  return undefined;
}

function membersBelow(directory: string): number[] | undefined {
  try {
    const own = readFileSync(`${directory}/cgroup.procs`, "utf8").split("\n");
    const below = readdirSync(directory, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? (membersBelow(`${directory}/${entry.name}`) ?? []) : [],
    );
    return [...own.filter((pid) => pid !== "").map(Number), ...below];
  } catch {
    return undefined;
  }
}

/** Looks at every process of the machine: every driver puts the id into the cgroup's name. */
function scanForMembers(containerId: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => readOrEmpty(`/proc/${name}/cgroup`).includes(containerId))
    .map(Number);
}

/** Reads a line of `/proc/<pid>/stat`. The command in parentheses may hold anything. */
export function parseStat(line: string): ProcessEntry | undefined {
  const end = line.lastIndexOf(")");
  if (end < 0) return undefined;
  const fields = line.slice(end + 2).split(" ");
  const [parent, session, startTime] = [fields[1], fields[3], fields[19]].map(Number);
  if (parent === undefined || session === undefined || startTime === undefined) return undefined;
  return { pid: Number.parseInt(line, 10), parent, session, startTime };
}

/** The pipes and terminals that a process writes its output to. */
export function outputsOf(pid: number): string[] {
  return [1, 2].flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/${pid}/fd/${fd}`);
      return /^(?:pipe:|\/dev\/pts\/)/.test(target) ? [target] : [];
    } catch {
      return [];
    }
  });
}

/** A process may end at any moment, and with it what could be read. */
function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
