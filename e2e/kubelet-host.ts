import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { withLock } from "../lab/lock.ts";
import { bootId } from "../lab/process-id.ts";

/** What every kubelet sets in the kernel, and does not put back. */
const settings = [
  "vm/overcommit_memory",
  "vm/panic_on_oom",
  "kernel/panic",
  "kernel/panic_on_oops",
  "kernel/keys/root_maxkeys",
  "kernel/keys/root_maxbytes",
];

/** A kubelet keeps these there wherever its own folder is. */
const pluginFolder = "/var/lib/kubelet/device-plugins";
const pluginFiles = ["kubelet.sock", "kubelet_internal_checkpoint"];

/** A kubelet has a link to each container's log there, wherever the logs are. */
const logLinks = "/var/log/containers";

const recordDir = "/run/dockershim-lab";
const recordFile = `${recordDir}/kubelets.json`;

/** Who runs a kubelet on this machine, and how the machine was before the first of them. */
interface HostRecord {
  readonly bootId: string;
  readonly settings: Readonly<Record<string, string>>;
  /** Folders that were not there, the inner ones first. */
  readonly absentFolders: readonly string[];
  readonly holders: readonly string[];
}

function read(setting: string): string {
  return readFileSync(`/proc/sys/${setting}`, "utf8").trim();
}

function readRecord(): HostRecord | undefined {
  if (!existsSync(recordFile)) return undefined;
  const record: HostRecord = JSON.parse(readFileSync(recordFile, "utf8"));
  // A reboot ended all kubelets, and the kernel has its own settings again.
  if (record.bootId !== bootId()) return undefined;
  // A lab that was taken down has no kubelet any more, however its run ended.
  return { ...record, holders: record.holders.filter((holder) => existsSync(holder)) };
}

function writeRecord(record: HostRecord): void {
  mkdirSync(recordDir, { recursive: true });
  writeFileSync(`${recordFile}.new`, `${JSON.stringify(record, undefined, 2)}\n`);
  renameSync(`${recordFile}.new`, recordFile);
}

/** Notes how the machine is, before a kubelet changes it; `holder` is the folder of that kubelet. */
export function claimKubeletHost(holder: string): Promise<void> {
  return withLock("kubelets", async () => {
    const record = readRecord() ?? {
      bootId: bootId(),
      settings: Object.fromEntries(settings.map((setting) => [setting, read(setting)])),
      absentFolders: [pluginFolder, dirname(pluginFolder), logLinks].filter(
        (folder) => !existsSync(folder),
      ),
      holders: [],
    };
    writeRecord({ ...record, holders: [...new Set([...record.holders, holder])] });
  });
}

/**
 * Removes what that kubelet left, and puts the machine back as it was when no other one of ours is left.
 *
 * @param podLogs the folder of its pods' logs, where that is not in the holder's own
 */
export function releaseKubeletHost(holder: string, podLogs = holder): Promise<void> {
  return withLock("kubelets", async () => {
    removeLogLinks(podLogs);
    const record = readRecord();
    if (record === undefined) return;
    const holders = record.holders.filter((other) => other !== holder);
    if (holders.length > 0) {
      writeRecord({ ...record, holders });
      return;
    }
    for (const [setting, value] of Object.entries(record.settings)) {
      if (read(setting) !== value) writeFileSync(`/proc/sys/${setting}`, `${value}\n`);
    }
    for (const folder of record.absentFolders) removeFolder(folder);
    rmSync(recordFile);
  });
}

function removeLogLinks(logs: string): void {
  if (!existsSync(logLinks)) return;
  for (const name of readdirSync(logLinks)) {
    const link = join(logLinks, name);
    const isOurs = lstatSync(link).isSymbolicLink() && readlinkSync(link).startsWith(`${logs}/`);
    if (isOurs) rmSync(link);
  }
}

/** Removes a folder that only kubelets of ours used; whatever else is in it by now keeps it. */
function removeFolder(folder: string): void {
  if (!existsSync(folder)) return;
  if (folder === pluginFolder) {
    for (const file of pluginFiles) rmSync(join(folder, file), { force: true });
  }
  if (readdirSync(folder).length === 0) rmdirSync(folder);
}
