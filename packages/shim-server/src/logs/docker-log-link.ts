import { mkdir, readlink, symlink, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { logPathOf } from "@dockershim/pod-sandbox";
import { ShimError } from "../shim-error.js";
import type { LogWay } from "./container-logs.js";

/**
 * cri-dockerd's way (`--log-mode=docker`): Docker writes json-file, and the path that the kubelet
 * expects is a symlink to that file. The kubelet and crictl parse the format.
 */
export function createDockerLogLinks(): LogWay {
  return {
    beforePublish: async () => {},
    async started(record) {
      const path = logPathOf(record.inspect);
      const target = record.inspect.LogPath;
      if (path === "" || target === "") return;
      await mkdir(dirname(path), { recursive: true });
      await replaceLink(path, target);
    },
    async reopen() {
      throw new ShimError(
        "unimplemented",
        "the engine writes this container's log itself (json-file) and rotates it by its own options",
      );
    },
    async removed(record) {
      const path = logPathOf(record.inspect);
      if (path === "") return;
      // Only our own link goes: a file that somebody else put there is theirs.
      const target = await readlink(path).catch(() => undefined);
      if (target === record.inspect.LogPath) await unlink(path).catch(ignoreMissing);
    },
    sweep: async () => {},
    close: async () => {},
  };
}

async function replaceLink(path: string, target: string): Promise<void> {
  try {
    await symlink(target, path);
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== "EEXIST") throw err;
    await unlink(path).catch(ignoreMissing);
    await symlink(target, path);
  }
}

function ignoreMissing(err: NodeJS.ErrnoException): void {
  if (err.code !== "ENOENT") throw err;
}
