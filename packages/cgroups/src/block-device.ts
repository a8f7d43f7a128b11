import { readKernelRecord } from "./kernel-file.js";

/**
 * Names of block devices by number, from /sys/dev/block/<major>:<minor>/uevent.
 *
 * @returns A function that gives `/dev/<name>`, or undefined for a device that is not there.
 * Names are remembered, as a number keeps its device while a container uses it.
 */
export function createBlockDeviceNames(
  sysRoot: string,
): (major: number, minor: number) => string | undefined {
  const names = new Map<string, string>();
  return (major, minor) => {
    const id = `${major}:${minor}`;
    const known = names.get(id);
    if (known !== undefined) return known;
    const uevent = readKernelRecord(`${sysRoot}/dev/block/${id}/uevent`);
    const [, name] = /^DEVNAME=(.+)$/m.exec(uevent ?? "") ?? [];
    if (name === undefined) return undefined;
    names.set(id, `/dev/${name}`);
    return `/dev/${name}`;
  };
}
