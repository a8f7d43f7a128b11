import { stat } from "node:fs/promises";
import type { HostDevice, NriAdjustment } from "@dockershim/pod-sandbox";

/** Looks at the host's nodes of the devices that an adjustment adds; those that are none are left out. */
export async function readHostDevices({
  linux,
}: Pick<NriAdjustment, "linux">): Promise<ReadonlyMap<string, HostDevice>> {
  const devices = new Map<string, HostDevice>();
  for (const { path } of linux?.devices ?? []) {
    const device = await readDevice(path);
    if (device !== undefined) devices.set(path, device);
  }
  return devices;
}

/** A device node of this host; undefined when there is none at that path. */
export async function readDevice(path: string): Promise<HostDevice | undefined> {
  try {
    const stats = await stat(path, { bigint: true });
    if (!stats.isCharacterDevice() && !stats.isBlockDevice()) return undefined;
    const { rdev } = stats;
    return {
      type: stats.isBlockDevice() ? "b" : "c",
      // As makedev(3) of the C library puts the two together.
      major: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n)),
      minor: Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n)),
      mode: Number(stats.mode & 0o777n),
      uid: Number(stats.uid),
      gid: Number(stats.gid),
    };
  } catch {
    return undefined;
  }
}
