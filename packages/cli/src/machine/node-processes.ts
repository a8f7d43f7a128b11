import { readdir, readFile, readlink } from "node:fs/promises";
import { basename, join } from "node:path";

/** A process and its command line without the program. */
export interface RunningProcess {
  readonly pid: number;
  readonly args: readonly string[];
  /** Its unit of systemd by its cgroup; undefined where it is in none. */
  readonly unit: string | undefined;
}

/**
 * A process of the node.
 *
 * @param procDir `/proc`
 * @returns undefined when it has ended.
 */
export async function readProcess(
  procDir: string,
  pid: number,
): Promise<RunningProcess | undefined> {
  const [, args] = await readCommand(procDir, `${pid}`);
  if (args === undefined) return undefined;
  const cgroup = await readFile(join(procDir, `${pid}`, "cgroup"), "utf8").catch(() => "");
  const [, unit] = /^(?:0:|\d+:name=systemd):.*\/([^/\n]+\.service)(?:\/|$)/m.exec(cgroup) ?? [];
  return { pid, args, unit };
}

/** The first process of a program on this node; one in a container, which sees other files, is another node's. */
export async function findProcess(
  procDir: string,
  program: string,
): Promise<RunningProcess | undefined> {
  const names = await readdir(procDir).catch(() => []);
  const mounts = (pid: string) => readlink(join(procDir, pid, "ns/mnt")).catch(() => undefined);
  const own = await mounts("self");
  for (const pid of names.filter((name) => /^\d+$/.test(name))) {
    const [name] = await readCommand(procDir, pid);
    if (name !== program) continue;
    if ((await mounts(pid)) === own) return await readProcess(procDir, Number(pid));
  }
  return undefined;
}

async function readCommand(
  procDir: string,
  pid: string,
): Promise<[string, string[]] | [undefined, undefined]> {
  const line = await readFile(join(procDir, pid, "cmdline"), "utf8").catch(() => "");
  if (line === "") return [undefined, undefined];
  const [program = "", ...args] = line.replace(/\0$/, "").split("\0");
  return [basename(program), args];
}
