import { lstat, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { OpenNode } from "../node/open-node.js";
import type { ContainerMount, LogFolder, RecordFile } from "./judge-remains.js";

const containerId = /^([0-9a-f]{64})(?:\.position)?$/;

/** What the daemon keeps of each container in its root directory. */
export async function readRecords({ root, options }: OpenNode): Promise<RecordFile[]> {
  const found = await Promise.all(
    [
      { folder: "logs", kind: "log position" },
      { folder: "oom-kills", kind: "note of a kill for want of memory" },
    ].map(async ({ folder, kind }) => {
      const dir = join(root, options.rootDir, folder);
      const names = await readdir(dir).catch(() => []);
      return await Promise.all(names.map((name) => readRecord(join(dir, name), name, kind)));
    }),
  );
  return found.flat(2);
}

async function readRecord(file: string, name: string, kind: string): Promise<RecordFile[]> {
  const [, id] = containerId.exec(name) ?? [];
  const stats = await stat(file).catch(() => undefined);
  if (id === undefined || stats === undefined) return [];
  return [{ file, kind, containerId: id, since: stats.mtimeMs, size: stats.size }];
}

/** The folders of pods' logs that a kubelet made. */
export async function readLogFolders(dir: string): Promise<LogFolder[]> {
  const names = await readdir(dir).catch(() => []);
  const found = await Promise.all(
    names.map(async (entry) => {
      const [, namespace, name, uid] = /^([^_]+)_([^_]+)_([^_]+)$/.exec(entry) ?? [];
      if (namespace === undefined || name === undefined || uid === undefined) return [];
      const path = join(dir, entry);
      const { newest } = await measureTree(path);
      return [{ path, namespace, name, uid, since: newest }];
    }),
  );
  return found.flat();
}

/** What is in a folder. */
export interface TreeMeasure {
  /** Bytes of all files, as they are counted by the file system. */
  readonly bytes: number;
  /** Milliseconds since the epoch of the last change of any of them. */
  readonly newest: number;
}

/** Measures a file or a folder with all in it. Links are not followed; what goes meanwhile counts nothing. */
export async function measureTree(path: string): Promise<TreeMeasure> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats === undefined) return { bytes: 0, newest: 0 };
  let [bytes, newest] = [stats.blocks * 512, stats.mtimeMs];
  if (!stats.isDirectory()) return { bytes, newest };
  for (const name of await readdir(path).catch(() => [])) {
    const below = await measureTree(join(path, name));
    bytes += below.bytes;
    newest = Math.max(newest, below.newest);
  }
  return { bytes, newest };
}

/** Mounts in the folders of the engine's containers. */
export async function readContainerMounts(
  root: string,
  engineDir: string,
): Promise<ContainerMount[]> {
  const text = await readFile(join(root, "/proc/self/mountinfo"), "utf8").catch(() => "");
  return text.split("\n").flatMap((line) => {
    const path = line.split(" ")[4] ?? "";
    if (!path.startsWith(`${engineDir}/containers/`)) return [];
    const [id = ""] = path.slice(`${engineDir}/containers/`.length).split("/");
    return containerId.test(id) ? [{ path, containerId: id }] : [];
  });
}
