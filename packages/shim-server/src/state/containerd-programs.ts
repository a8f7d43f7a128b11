import { accessSync, constants, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { dirname, join } from "node:path";

/** What systemd gives services, and what most containerds run with. */
const usualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * Whether containerd would find a program that it is asked to run as a shim: on its PATH, or beside its own program.
 *
 * @param address Path of containerd's socket. Where the engine does not tell it (before API 1.46), each containerd of
 * the node has to find the program. Where none is to be seen, the usual PATH of services decides.
 */
export function containerdFinds(program: string, address: string | undefined): boolean {
  const found = containerds(address);
  const searched = found.length === 0 ? [usualPath.split(":")] : found.map(searchedFolders);
  return searched.every((folders) => folders.some((folder) => isExecutable(join(folder, program))));
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

/** The processes of containerd; with a socket's path those that listen there, by the kernel's table of sockets. */
function containerds(address: string | undefined): number[] {
  const all = readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter(isContainerd);
  if (address === undefined) return all;
  const inodes = new Set<string>();
  for (const line of readFileSync("/proc/net/unix", "utf8").split("\n")) {
    const [inode, bound] = line.trim().split(/\s+/).slice(6);
    if (bound === address && inode !== undefined) inodes.add(`socket:[${inode}]`);
  }
  return all.filter((pid) => descriptors(pid).some((target) => inodes.has(target)));
}

function isContainerd(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8") === "containerd\n";
  } catch {
    return false;
  }
}

function descriptors(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).flatMap((fd) => {
      try {
        return [readlinkSync(join(folder, fd))];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
