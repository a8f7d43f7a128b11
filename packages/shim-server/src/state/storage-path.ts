import { statSync } from "node:fs";
import { join } from "node:path";
import type { EngineInfo } from "@dockershim/docker-client";
import type { Engine } from "./engine.js";

type StorageInfo = Pick<EngineInfo, "DockerRootDir" | "Driver" | "DriverStatus">;

/**
 * Where the engine keeps images and writable layers, for CRI's `FilesystemIdentifier.mountpoint`.
 * All calls give the same path, for the kubelet takes different ones for different file systems.
 *
 * @returns A function that looks once per connection to the engine, and throws ShimError
 * `unavailable` before the first.
 */
export function createStoragePath(engine: Pick<Engine, "known">): () => string {
  let last: { info: StorageInfo; path: string } | undefined;
  return () => {
    const { info } = engine.known();
    if (last?.info !== info) last = { info, path: findStoragePath(info) };
    return last.path;
  };
}

/** Where a containerd that systemd runs beside the engine keeps its data, unless told otherwise. */
const containerdRoot = "/var/lib/containerd";

/**
 * The storage driver's own directory. The kubelet wants a path that exists and looks up the disk
 * that it is on; with the containerd image store that need not be the disk of Docker's data.
 */
function findStoragePath(info: StorageInfo): string {
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
  const isDirectory = (path: string): boolean =>
    statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  return candidates.find(isDirectory) ?? root;
}
