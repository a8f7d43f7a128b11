import fs from "node:fs";
import { type CgroupPath, directoriesOf } from "./cgroup-path.js";
import { isAbsent, systemErrorCode } from "./errors.js";
import { listKernelSubdirectories, readShortRecords } from "./kernel-file.js";
import { countLines, lines } from "./parse.js";

/** How many of what a cgroup and all below it has. */
export interface ProcessCounts {
  readonly processes: number;
  /** undefined when they were not asked for. */
  readonly threads: number | undefined;
  /** Open file descriptors; undefined when they were not asked for. */
  readonly fileDescriptors: number | undefined;
  /** Those of them that are sockets; undefined when they were not asked for. */
  readonly sockets: number | undefined;
  /** Whether `maxFileDescriptors` stopped the count: the two above are then lower bounds. */
  readonly truncated: boolean;
}

/** What to count. */
export interface ProcessCountOptions {
  /**
   * Also count threads, where the pids controller does not.
   *
   * @defaultValue true
   */
  readonly threads?: boolean;
  /**
   * The process that is all there is, where the pids controller has counted one task: the cgroup need not be looked
   * into, which takes longer than counting the descriptors of one process.
   *
   * @defaultValue none: the cgroup is looked into
   */
  readonly onlyPid?: number | undefined;
  /**
   * Also count file descriptors and sockets. That takes a system call per descriptor, so it is
   * for metrics that are scraped now and then, not for the kubelet's ten-second round.
   *
   * @defaultValue false
   */
  readonly fileDescriptors?: boolean;
  /**
   * Stop counting descriptors beyond this many.
   *
   * @defaultValue 10000
   */
  readonly maxFileDescriptors?: number;
}

/**
 * Counts from cgroup.procs and cgroup.threads (v1: tasks), and from /proc/<pid>/fd.
 *
 * @returns undefined when the cgroup is gone. Processes that end during the count are left out.
 */
export function countProcesses(
  path: CgroupPath,
  procRoot: string,
  options: ProcessCountOptions,
): ProcessCounts | undefined {
  const { threads: withThreads = true, onlyPid } = options;
  const found =
    onlyPid === undefined ? findTasks(path, withThreads) : { pids: [String(onlyPid)], threads: 1 };
  if (found === undefined) return undefined;
  const counts = {
    processes: found.pids.length,
    threads: withThreads ? found.threads : undefined,
  };
  if (options.fileDescriptors !== true) {
    return { ...counts, fileDescriptors: undefined, sockets: undefined, truncated: false };
  }
  return { ...counts, ...countDescriptors(found.pids, procRoot, options.maxFileDescriptors) };
}

interface Tasks {
  readonly pids: string[];
  threads: number;
}

/** Any hierarchy will do, as the container is in all of them; the first that exists is taken. */
function findTasks(path: CgroupPath, withThreads: boolean): Tasks | undefined {
  for (const directory of directoriesOf(path)) {
    const tasks: Tasks = { pids: [], threads: 0 };
    const threadFile = directory === path.unified ? "cgroup.threads" : "tasks";
    if (addTasks(tasks, directory, withThreads ? threadFile : undefined)) return tasks;
  }
  return undefined;
}

function addTasks(tasks: Tasks, directory: string, threadFile: string | undefined): boolean {
  const procs = readShortRecords(`${directory}/cgroup.procs`);
  const threads =
    threadFile === undefined ? undefined : readShortRecords(`${directory}/${threadFile}`);
  if (procs === undefined && threads === undefined) return false;
  if (procs !== undefined) for (const pid of lines(procs)) tasks.pids.push(pid);
  tasks.threads += countLines(threads ?? procs ?? "");
  // cgroup.procs has only the cgroup itself; engines and init systems inside make cgroups below.
  if (isLeaf(directory)) return true;
  for (const name of listKernelSubdirectories(directory)) {
    addTasks(tasks, `${directory}/${name}`, threadFile);
  }
  return true;
}

/** A directory has a link by its name, one by its own dot, and one by the two dots of each below it. */
function isLeaf(directory: string): boolean {
  return fs.statSync(directory, { throwIfNoEntry: false })?.nlink === 2;
}

function countDescriptors(
  pids: readonly string[],
  procRoot: string,
  maximum = 10_000,
): Pick<ProcessCounts, "fileDescriptors" | "sockets" | "truncated"> {
  let fileDescriptors = 0;
  let sockets = 0;
  for (const pid of pids) {
    const directory = `${procRoot}/${pid}/fd`;
    for (const name of readNames(directory)) {
      if (fileDescriptors >= maximum) return { fileDescriptors, sockets, truncated: true };
      fileDescriptors++;
      if (readTarget(`${directory}/${name}`).startsWith("socket:")) sockets++;
    }
  }
  return { fileDescriptors, sockets, truncated: false };
}

/** A process that ended, or that this one may not look into, has no descriptors to count. */
function readNames(directory: string): string[] {
  try {
    return fs.readdirSync(directory);
  } catch (error) {
    if (isAbsent(error) || isDenied(error)) return [];
    throw error;
  }
}

function readTarget(path: string): string {
  try {
    return fs.readlinkSync(path);
  } catch (error) {
    if (isAbsent(error) || isDenied(error)) return "";
    throw error;
  }
}

function isDenied(error: unknown): boolean {
  const code = systemErrorCode(error);
  return code === "EACCES" || code === "EPERM";
}
