import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { EngineInfo } from "@dockershim/docker-client";
import type { Engine } from "../engine.js";

type StorageInfo = Pick<EngineInfo, "DockerRootDir" | "Driver" | "DriverStatus">;

/**
 * Where the engine keeps images and writable layers, for CRI's `FilesystemIdentifier.mountpoint`.
 * All calls give the same path, for the kubelet takes different ones for different file systems.
 *
 * @returns A function that looks once per connection to the engine.
 */
export function createStoragePath(engine: Pick<Engine, "info">): () => Promise<string> {
  let last: { info: StorageInfo; path: Promise<string> } | undefined;
  return async () => {
    const info = await engine.info();
    if (last?.info !== info) last = { info, path: findStoragePath(info) };
    return await last.path;
  };
}

/** Where a containerd that systemd runs beside the engine keeps its data, unless told otherwise. */
const containerdRoot = "/var/lib/containerd";

/**
 * The storage driver's own directory. The kubelet wants a path that exists and looks up the disk
 * that it is on; with the containerd image store that need not be the disk of Docker's data.
 */
async function findStoragePath(info: StorageInfo): Promise<string> {
  const { DockerRootDir: root, Driver: driver } = info;
  const snapshotter = info.DriverStatus?.find(([key]) => key === "driver-type")?.[1];
  const candidates =
    snapshotter === undefined
      ? [join(root, driver)]
      : [
          // The engine's own containerd, then the system's.
          join(root, "containerd", "daemon", `${snapshotter}.${driver}`),
          join(containerdRoot, `${snapshotter}.${driver}`),
        ];
  for (const path of candidates) {
    if (await isDirectory(path)) return path;
  }
  return root;
}

async function isDirectory(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
