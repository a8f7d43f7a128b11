import { readdirSync, readFileSync } from "node:fs";

/** What /proc tells of a process: proc_pid_stat(5), proc_pid_status(5). */
export interface ProcessFigures {
  /** User and system time since it began, in s. */
  readonly cpuSeconds: number;
  readonly rssMb: number;
  /** Memory that is neither file nor shared. */
  readonly anonMb: number;
  readonly fds: number;
}

/** USER_HZ, which is 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** @returns Undefined when the process is gone. */
export function processFigures(pid: number): ProcessFigures | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const mb = (field: string) =>
      Number(new RegExp(`^${field}:\\s*(\\d+)`, "m").exec(status)?.[1] ?? 0) / 1024;
    return {
      cpuSeconds: cpuSeconds(pid),
      rssMb: mb("VmRSS"),
      anonMb: mb("RssAnon"),
      fds: readdirSync(`/proc/${pid}/fd`).length,
    };
  } catch {
    return undefined;
  }
}

/** @returns 0 for a process that is gone. */
export function cpuSeconds(pid: number): number {
  const fields = statFields(pid);
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / ticksPerSecond;
}

/** The containerd of an engine: its child, or the one that the system started. */
export function containerdOf(enginePid: number): number | undefined {
  const found = processes().filter((pid) => processName(pid) === "containerd");
  const child = found.find((pid) => Number(statFields(pid)[1]) === enginePid);
  return child ?? (found.length === 1 ? found[0] : undefined);
}

/** containerd's shims of containers, by their command line. */
export function shimsOf(containerIds: ReadonlySet<string>): number[] {
  return processes().filter((pid) => {
    if (processName(pid) !== "containerd-shim") return false;
    const args = read(`/proc/${pid}/cmdline`).split("\0");
    return containerIds.has(args[args.indexOf("-id") + 1] ?? "");
  });
}

/** How many children of these processes have ended without being asked for. */
export function zombiesOf(parents: readonly number[]): number {
  return processes().filter((pid) => {
    const [state, parent] = statFields(pid);
    return state === "Z" && parents.includes(Number(parent));
  }).length;
}

function processes(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function processName(pid: number): string {
  return read(`/proc/${pid}/comm`).trim();
}

/** The fields after the name, which may hold spaces and brackets itself; the first is the state. */
function statFields(pid: number): string[] {
  const stat = read(`/proc/${pid}/stat`);
  return stat === "" ? [] : stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}
