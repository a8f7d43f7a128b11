import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { type CgroupReader, createCgroupReader } from "../src/index.js";

/** One recorded container, see fixtures/README.md. */
export interface Recorded {
  readonly root: string;
  readonly procRoot: string;
  readonly pid: number;
  readonly containerId: string;
}

function describe(directory: string, pid: number, containerId: string): Recorded {
  return {
    root: path.join(directory, "sys/fs/cgroup"),
    procRoot: path.join(directory, "proc"),
    pid,
    containerId,
  };
}

const fixtures = path.join(import.meta.dirname, "fixtures");

export const recordedHybrid: Recorded = describe(
  path.join(fixtures, "v1-hybrid"),
  10245,
  "437c316dfd3bb2c2ce297151e3e6f86080287f387d237d53f702c7850815ba2f",
);

export const recordedV2: Recorded = describe(
  path.join(fixtures, "v2"),
  244,
  "a4a367abd4bb405f2f645896df18a872a30d70e0f8b20f2464c7097e872db1a3",
);

/** The hour at which recorded trees are read in tests. */
export const fixedClock = { wallNs: () => 1_700_000_000_000_000_000n, monotonicNs: () => 5_000n };

export function readerOf(recorded: Recorded): CgroupReader {
  return createCgroupReader({
    root: recorded.root,
    procRoot: recorded.procRoot,
    clock: fixedClock,
  });
}

/** A copy that a test may change, with the function that removes it. */
export function copyOf(recorded: Recorded): Recorded & { remove: () => void } {
  const directory = temporaryDirectory();
  fs.cpSync(path.resolve(recorded.procRoot, ".."), directory, { recursive: true });
  return {
    ...describe(directory, recorded.pid, recorded.containerId),
    remove: () => fs.rmSync(directory, { recursive: true }),
  };
}

/** An empty directory of this process's own, without symbolic links in its path. */
export function temporaryDirectory(): string {
  return fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "cgroups-test-")));
}
