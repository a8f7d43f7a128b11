import { accessSync, constants, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

/** What systemd gives services, and what most containerds run with. */
const usualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Of a containerd that no engine started for itself. */
const systemsContainerd = "/run/containerd/containerd.sock";

/** Processes by the name that the kernel has for them. */
export type ProcessNames = ReadonlyMap<string, readonly number[]>;

/** Reads the names of all processes at this moment. */
export function readProcessNames(): ProcessNames {
  const found = new Map<string, number[]>();
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const name = nameOf(entry);
    if (name === undefined) continue;
    const known = found.get(name);
    if (known === undefined) found.set(name, [Number(entry)]);
    else known.push(Number(entry));
  }
  return found;
}

/**
 * Whether an engine's containerd would find a program that it is asked to run as a shim: on its PATH, or beside its own
 * program. Where its process is not to be seen, the usual PATH of services decides.
 *
 * @param address Path of containerd's socket; engines before API 1.46 do not tell it.
 * @param endpoint The engine's API, as `unix:///path`.
 */
export function containerdFinds(
  program: string,
  address: string | undefined,
  endpoint: string,
  names: ProcessNames,
): boolean {
  const pid =
    address === undefined
      ? containerdOf(endpoint, names)
      : listener(names.get("containerd"), address);
  const folders = pid === undefined ? usualPath.split(":") : searchedFolders(pid);
  return folders.some((folder) => isExecutable(join(folder, program)));
}

/** Whether we see an engine's mounts as it does; only one that is not to be seen may have others. */
export function sharesMounts(endpoint: string, names: ProcessNames): boolean {
  const dockerd = dockerdOf(endpoint, names);
  try {
    return (
      dockerd !== undefined &&
      readlinkSync(`/proc/${dockerd}/ns/mnt`) === readlinkSync("/proc/self/ns/mnt")
    );
  } catch {
    return false;
  }
}

/**
 * A folder above containerd's socket, where by its own choice the bundles are too, that lets nobody but root pass. An
 * engine before API 1.46 does not say where that is.
 */
export function closedFolder(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  for (let folder = dirname(address); folder !== "/"; folder = dirname(folder)) {
    const mode = statSync(folder, { throwIfNoEntry: false })?.mode;
    if (mode !== undefined && (mode & 0o001) === 0) return folder;
  }
  return undefined;
}

/** The containerd that an engine has started, or else the system's. */
function containerdOf(endpoint: string, names: ProcessNames): number | undefined {
  const dockerd = dockerdOf(endpoint, names);
  const all = names.get("containerd");
  const own = all?.find((pid) => dockerd !== undefined && parentOf(pid) === dockerd);
  return own ?? listener(all, systemsContainerd);
}

function dockerdOf(endpoint: string, names: ProcessNames): number | undefined {
  return listener(names.get("dockerd"), endpoint.replace(/^unix:\/\//, ""));
}

function searchedFolders(pid: number): string[] {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    const path = environment.find((entry) => entry.startsWith("PATH="))?.slice("PATH=".length);
    return [...(path ?? "").split(":"), dirname(readlinkSync(`/proc/${pid}/exe`))];
  } catch {
    return usualPath.split(":");
  }
}

/** Which of these processes listens on a unix socket, as the kernel's table of sockets tells. */
function listener(pids: readonly number[] | undefined, path: string): number | undefined {
  if (pids === undefined) return undefined;
  const wanted = withoutLink(path);
  const inodes = new Set<string>();
  for (const line of readFileSync("/proc/net/unix", "utf8").split("\n")) {
    const [inode, bound] = line.trim().split(/\s+/).slice(6);
    if (bound !== undefined && withoutLink(bound) === wanted) inodes.add(`socket:[${inode}]`);
  }
  return pids.find((pid) => holdsOneOf(pid, inodes));
}

/** /var/run is a link to /run on all systems that Docker runs on, and sockets are bound by either name. */
function withoutLink(path: string): string {
  return path.replace(/^\/var\/run\//, "/run/");
}

/** Of the files of a process this is the one that takes the kernel least. */
function nameOf(pid: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trimEnd();
  } catch {
    return undefined;
  }
}

/**
 * Which process has started another; undefined where that has ended.
 *
 * @param proc Where proc is mounted.
 */
export function parentOf(pid: number, proc = "/proc"): number | undefined {
  try {
    const status = readFileSync(`${proc}/${pid}/status`, "utf8");
    return Number(/^PPid:\s*(.*)$/m.exec(status)?.[1]);
  } catch {
    return undefined;
  }
}

/** Whether a process has one of these sockets. What listens was opened first, so the search is short. */
function holdsOneOf(pid: number, sockets: ReadonlySet<string>): boolean {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).some((fd) => {
      try {
        return sockets.has(readlinkSync(join(folder, fd)));
      } catch {
        return false;
      }
    });
  } catch {
    return false;
  }
}

export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
