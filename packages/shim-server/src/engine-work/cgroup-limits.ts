import {
  type CgroupPath,
  type CgroupReader,
  createCgroupReader,
  writeCgroupFile,
  writeHugepageLimit,
} from "@dockershim/cgroups";
import type { CgroupWrite } from "@dockershim/pod-sandbox";
import { ShimError } from "../shim-error.js";

/** Writes limits into the cgroup of a container. */
export interface CgroupLimits {
  /**
   * Writes into the cgroup of a process; nothing to do for one that has ended.
   *
   * @throws ShimError `failed_precondition` when a limit that was asked for cannot be set.
   */
  write(pid: number, writes: readonly CgroupWrite[]): void;
}

/** Finds cgroups on first use: a daemon whose pods need no such limits needs no cgroups. */
export function createCgroupLimits(
  open: () => Pick<CgroupReader, "forPid"> = createCgroupReader,
): CgroupLimits {
  let reader: Pick<CgroupReader, "forPid"> | undefined;
  return {
    write(pid, writes) {
      if (writes.length === 0 || pid <= 0) return;
      reader ??= open();
      const path = reader.forPid(pid);
      if (path === undefined) return;
      for (const write of writes) {
        try {
          writeOne(path, write);
        } catch (cause) {
          // What ended since it was found has no cgroup any more, and needs no limits.
          if (!write.required || reader.forPid(pid) === undefined) continue;
          const reason = cause instanceof Error ? cause.message : String(cause);
          throw new ShimError(
            "failed_precondition",
            `could not set ${write.file} to ${write.value}: ${reason}`,
            { cause },
          );
        }
      }
    },
  };
}

function writeOne(path: CgroupPath, { file, value }: CgroupWrite): void {
  const pageSize = /^hugetlb\.([^.]+)\.(?:max|limit_in_bytes)$/.exec(file)?.[1];
  // Reservations are limited along with pages, which takes a second file.
  if (pageSize !== undefined && /^\d+$/.test(value)) {
    writeHugepageLimit(path, pageSize, BigInt(value));
  } else {
    writeCgroupFile(path, file, value);
  }
}
