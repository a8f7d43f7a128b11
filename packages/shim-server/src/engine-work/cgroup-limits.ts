import {
  type CgroupPath,
  type CgroupReader,
  createCgroupReader,
  readCgroupFile,
  writeCgroupFile,
  writeHugepageLimit,
} from "@dockershim/cgroups";
import {
  type CgroupWrite,
  type EngineFacts,
  noSwapProperty,
  systemdProperty,
} from "@dockershim/pod-sandbox";
import type { Logger } from "pino";
import { ShimError } from "../shim-error.js";
import type { ContainerRecord } from "../state/records.js";
import { type SetScopeProperties, setScopeProperties } from "./systemd-scope.js";

/** What of a container counts for its limits. */
export type LimitedContainer = Pick<ContainerRecord, "id"> & {
  readonly inspect: Pick<ContainerRecord["inspect"], "HostConfig"> & {
    readonly State: Pick<ContainerRecord["inspect"]["State"], "Pid">;
  };
};

/** Sets limits in the cgroups of containers that Docker has no option for. */
export interface CgroupLimits {
  /**
   * Writes into a container's cgroup; nothing to do for one that does not run. Where systemd made the
   * cgroup, it is told too, or it would put back its own values at its next reload; what it has no
   * property for is written again when it has.
   *
   * @throws ShimError `failed_precondition` when a limit that was asked for cannot be set.
   */
  apply(
    container: LimitedContainer,
    writes: readonly CgroupWrite[],
    engine: Pick<EngineFacts, "cgroupDriver" | "cgroupVersion">,
  ): Promise<void>;
  /**
   * Takes over files of a running container that an earlier daemon wrote. A `memory.oom.group` that systemd set
   * back meanwhile, as it does at each reload, is written again as it was created with.
   *
   * @param created The files that the container was created with, and their values.
   * @returns What they have now; nothing of those that cannot be read.
   */
  adopt(
    container: LimitedContainer,
    created: Readonly<Record<string, string>>,
    engine: Pick<EngineFacts, "cgroupDriver" | "cgroupVersion">,
  ): Record<string, string>;
  /** Writes again what is not there any more of what systemd cannot keep. */
  restore(): void;
  close(): void;
}

/** systemd writes it from a scope's OOMPolicy, which cannot be changed. */
const oomGroup = "memory.oom.group";

export interface CgroupLimitsOptions {
  readonly log: Pick<Logger, "warn" | "debug">;
  /** Finds cgroups on first use: a daemon whose pods need no such limits needs no cgroups. */
  readonly open?: () => Pick<CgroupReader, "forPid">;
  readonly setProperties?: SetScopeProperties;
  /** How often {@link CgroupLimits.restore} is done, in ms. */
  readonly restoreMs?: number;
}

/** What was written into one container's cgroup, by file: the value, and what the kernel made of it. */
interface Kept {
  readonly pid: number;
  readonly files: ReadonlyMap<string, { readonly write: CgroupWrite; readonly read: string }>;
}

export function createCgroupLimits(options: CgroupLimitsOptions): CgroupLimits {
  const { log, open = createCgroupReader, setProperties = setScopeProperties } = options;
  const kept = new Map<string, Kept>();
  let reader: Pick<CgroupReader, "forPid"> | undefined;

  function find(pid: number): CgroupPath | undefined {
    reader ??= open();
    return reader.forPid(pid);
  }

  async function tellSystemd(container: LimitedContainer, writes: readonly CgroupWrite[]) {
    const { id, inspect } = container;
    const properties = [...writes.map(systemdProperty), noSwapProperty(inspect.HostConfig)].filter(
      (property) => property !== undefined,
    );
    if (properties.length === 0) return;
    try {
      await setProperties(id, properties);
    } catch (err) {
      if (find(inspect.State.Pid) === undefined) return;
      log.warn({ err, container: id, properties }, "limits will be lost when systemd is reloaded");
    }
  }

  function write(pid: number, writes: readonly CgroupWrite[]): void {
    if (writes.length === 0) return;
    const path = find(pid);
    if (path === undefined) return;
    for (const write of writes) {
      try {
        writeOne(path, write);
      } catch (cause) {
        // What ended since it was found has no cgroup any more, and needs no limits.
        if (!write.required || find(pid) === undefined) continue;
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new ShimError(
          "failed_precondition",
          `could not set ${write.file} to ${write.value}: ${reason}`,
          { cause },
        );
      }
    }
  }

  /** Notes what systemd will undo, with what the kernel made of each value: it rounds some. */
  function keep({ id, inspect }: LimitedContainer, writes: readonly CgroupWrite[]): void {
    const pid = inspect.State.Pid;
    const path = writes.length === 0 ? undefined : find(pid);
    if (path === undefined) return;
    const files = new Map(kept.get(id)?.files);
    for (const write of writes) {
      const read = systemdProperty(write) ? undefined : readCgroupFile(path, write.file);
      if (read === undefined) files.delete(write.file);
      else files.set(write.file, { write, read });
    }
    kept.set(id, { pid, files });
  }

  function restore(): void {
    for (const [id, { pid, files }] of kept) {
      const path = find(pid);
      if (path === undefined) {
        kept.delete(id);
        continue;
      }
      for (const { write, read } of files.values()) {
        if (readCgroupFile(path, write.file) === read) continue;
        try {
          writeOne(path, write);
        } catch (err) {
          log.debug({ err, container: id }, "could not write a limit again");
        }
      }
    }
  }

  function readFiles(pid: number, files: readonly string[]): Record<string, string> {
    const values: Record<string, string> = {};
    const path = files.length === 0 || pid <= 0 ? undefined : find(pid);
    if (path === undefined) return values;
    for (const file of files) {
      const value = readCgroupFile(path, file);
      if (value !== undefined) values[file] = value;
    }
    return values;
  }

  const timer = setInterval(restore, options.restoreMs ?? 10_000);
  timer.unref();

  return {
    async apply(container, writes, { cgroupDriver, cgroupVersion }) {
      const { Pid: pid } = container.inspect.State;
      if (pid <= 0) return;
      const systemd = cgroupDriver === "systemd" && cgroupVersion === 2;
      // Before the files: systemd writes others of the cgroup along with a property.
      if (systemd) await tellSystemd(container, writes);
      write(pid, writes);
      if (systemd) keep(container, writes);
    },
    adopt(container, created, { cgroupDriver, cgroupVersion }) {
      if (cgroupVersion !== 2) return {};
      const { Pid: pid } = container.inspect.State;
      const files = Object.keys(created);
      try {
        let values = readFiles(pid, files);
        const asked = created[oomGroup];
        if (cgroupDriver === "systemd" && asked !== undefined && values[oomGroup] === "0") {
          write(pid, [{ controller: "memory", file: oomGroup, value: asked, required: false }]);
          values = readFiles(pid, files);
        }
        const writes = Object.entries(values).map(([file, value]) => {
          return { controller: file.slice(0, file.indexOf(".")), file, value, required: true };
        });
        if (cgroupDriver === "systemd") keep(container, writes);
        return values;
      } catch (err) {
        log.debug({ err, container: container.id }, "could not read limits");
        return {};
      }
    },
    restore,
    close: () => clearInterval(timer),
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
