import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { command, tryCommand } from "./command.ts";
import { LabError } from "./lab-error.ts";
import { withLock } from "./lock.ts";
import { privateMountPoints } from "./mounts.ts";
import { bootId } from "./process-id.ts";

const recordDir = "/run/dockershim-lab";
const recordFile = `${recordDir}/host.json`;
const forwarding = "/proc/sys/net/ipv4/ip_forward";
const slots = 256;

/**
 * What the labs of this machine share: who holds which slot (a slot is a bridge name and a subnet), and how
 * the machine was before the first of them came, so that the last one can put it back.
 */
interface HostRecord {
  readonly bootId: string;
  readonly before: {
    readonly ipForward: string;
    readonly privateMounts: readonly string[];
    /** Those of the engines' fixed folders that were not there. */
    readonly absentFolders: readonly string[];
  };
  /** Slot by state folder. */
  readonly labs: Record<string, number>;
}

/** Folders that every engine makes, wherever its own root is. */
const engineFolders = ["/opt/containerd", "/run/containerd", "/run/docker"];

/** Removes a folder and those below it, but nothing that holds a file. */
function removeEmptyTree(folder: string): void {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeEmptyTree(join(folder, entry.name));
  }
  if (readdirSync(folder).length === 0) rmdirSync(folder);
}

function readRecord(): HostRecord | undefined {
  let record: HostRecord;
  try {
    record = JSON.parse(readFileSync(recordFile, "utf8"));
  } catch {
    return undefined;
  }
  // A reboot undid everything that the record speaks of.
  return record.bootId === bootId() ? record : undefined;
}

function writeRecord(record: HostRecord): void {
  mkdirSync(recordDir, { recursive: true });
  writeFileSync(`${recordFile}.new`, `${JSON.stringify(record, undefined, 2)}\n`);
  renameSync(`${recordFile}.new`, recordFile);
}

/** Slots whose subnet the machine routes already, through something that is not a lab of ours. */
async function foreignSlots(): Promise<Set<number>> {
  const routes = await command("ip", ["-4", "route", "show", "table", "all"]);
  const found = routes.matchAll(/^(?:\w+ )?10\.213\.(\d+)\.\S+ dev (\S+)/gm);
  return new Set(
    [...found].flatMap(([, slot, device]) => (device?.startsWith("dslab") ? [] : [Number(slot)])),
  );
}

/**
 * Claims the lab's slot, the same at every start unless another lab took it meanwhile, and readies the
 * machine: packets may be forwarded, and mounts are shared between namespaces as systemd leaves them.
 */
export function claimHost(stateDir: string): Promise<number> {
  return withLock("host", async () => {
    const record = readRecord() ?? {
      bootId: bootId(),
      before: {
        ipForward: readFileSync(forwarding, "utf8").trim(),
        privateMounts: privateMountPoints(),
        absentFolders: engineFolders.filter((folder) => !existsSync(folder)),
      },
      labs: {},
    };
    let slot = record.labs[stateDir];
    if (slot === undefined) {
      const taken = new Set(Object.values(record.labs));
      for (const foreign of await foreignSlots()) taken.add(foreign);
      const first = createHash("sha256").update(stateDir).digest().readUInt16BE(0) % slots;
      slot = Array.from({ length: slots }, (_, step) => (first + step) % slots).find(
        (candidate) => !taken.has(candidate),
      );
      if (slot === undefined) throw new LabError("host", "all 256 subnets for labs are taken");
      // Recorded before anything is changed, so that a run killed right here can be undone.
      writeRecord({ ...record, labs: { ...record.labs, [stateDir]: slot } });
    }
    if (readFileSync(forwarding, "utf8").trim() !== "1") writeFileSync(forwarding, "1\n");
    // One by one instead of recursively: what is hidden below another mount could not be put back.
    for (const mountPoint of privateMountPoints()) {
      await tryCommand("mount", ["--make-shared", mountPoint]);
    }
    return slot;
  });
}

/** The slot that the lab holds, if it holds one. */
export function claimedSlot(stateDir: string): number | undefined {
  return readRecord()?.labs[stateDir];
}

/**
 * Gives the lab's slot back. When it was the last lab, `lastOut` runs and then the machine's own settings
 * return to what they were.
 */
export function releaseHost(stateDir: string, lastOut: () => Promise<void>): Promise<void> {
  return withLock("host", async () => {
    const record = readRecord();
    if (record === undefined) {
      rmSync(recordDir, { recursive: true, force: true });
      return;
    }
    const { [stateDir]: _, ...labs } = record.labs;
    if (Object.keys(labs).length > 0) {
      writeRecord({ ...record, labs });
      return;
    }
    await lastOut();
    if (record.before.ipForward !== readFileSync(forwarding, "utf8").trim()) {
      writeFileSync(forwarding, `${record.before.ipForward}\n`);
    }
    const nowPrivate = new Set(privateMountPoints());
    for (const mountPoint of record.before.privateMounts) {
      // A mount that is gone meanwhile needs nothing.
      if (!nowPrivate.has(mountPoint)) await tryCommand("mount", ["--make-private", mountPoint]);
    }
    for (const folder of record.before.absentFolders) removeEmptyTree(folder);
    rmSync(recordDir, { recursive: true, force: true });
  });
}
