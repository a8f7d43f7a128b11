import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { readCheckpoint, type SandboxCheckpoint } from "@dockershim/pod-sandbox";
import { messageOf } from "../cli-error.js";

/** cri-dockerd's own files of sandboxes. */
export interface CheckpointFiles {
  readonly found: ReadonlyMap<string, SandboxCheckpoint>;
  readonly unreadable: { file: string; reason: string }[];
}

/** @param dir `sandbox` in cri-dockerd's folder. */
export async function readCheckpoints(dir: string): Promise<CheckpointFiles> {
  const found = new Map<string, SandboxCheckpoint>();
  const unreadable: { file: string; reason: string }[] = [];
  const ids = (await readdir(dir).catch(() => [])).filter((name) => /^[0-9a-f]{64}$/.test(name));
  for (const id of ids) {
    const file = join(dir, id);
    try {
      found.set(id, readCheckpoint(await readFile(file, "utf8")));
    } catch (err) {
      unreadable.push({ file, reason: messageOf(err) });
    }
  }
  return { found, unreadable };
}
