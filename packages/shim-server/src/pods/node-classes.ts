import { existsSync } from "node:fs";
import { glob, readdir, readFile, realpath } from "node:fs/promises";
import {
  type BlockIoClasses,
  type NodeClasses,
  parseBlockIoClasses,
} from "@dockershim/pod-sandbox";
import type { ShimOptions } from "../options.js";
import { ShimError } from "../shim-error.js";
import { readDevice } from "./host-devices.js";

/** The classes of resources that containers of this node can be of. */
export interface NodeClassReader {
  /** Looks at the node: disks come and go, and so do groups of resctrl. */
  read(): Promise<NodeClasses>;
}

/** Where the kernel's resctrl file system is mounted by convention. */
const resctrlFolder = "/sys/fs/resctrl";
/** What is in it beside groups. */
const noGroups = ["info", "mon_data", "mon_groups"];

/**
 * Reads the file of block-I/O classes, if one is named.
 *
 * @throws ShimError `failed_precondition` when it cannot be read, or something in it is wrong
 */
export async function openNodeClasses(
  { blockioConfigFile: file }: Pick<ShimOptions, "blockioConfigFile">,
  resctrl: string = resctrlFolder,
): Promise<NodeClassReader> {
  const classes = file === "" ? undefined : await readClasses(file);
  return {
    async read() {
      const [blockIo, rdt] = await Promise.all([blockIoOf(classes), rdtOf(resctrl)]);
      return { blockIo, rdt };
    },
  };
}

async function readClasses(file: string): Promise<BlockIoClasses> {
  try {
    const text = await readFile(file, "utf8");
    const { parse } = await import("yaml");
    return parseBlockIoClasses(parse(text));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ShimError("failed_precondition", `blockioConfigFile: ${file}: ${reason}`, { cause });
  }
}

async function blockIoOf(classes: BlockIoClasses | undefined): Promise<NodeClasses["blockIo"]> {
  if (classes === undefined) return { problem: "the daemon was given no --blockio-config-file" };
  const patterns = [...classes.values()].flat().flatMap(({ devices = [] }) => devices);
  const devicesOf = new Map<string, string[]>();
  for (const pattern of patterns) devicesOf.set(pattern, await disks(pattern));
  return { classes, devicesOf };
}

/** The kernel throttles whole disks, and refuses partitions. */
async function disks(pattern: string): Promise<string[]> {
  const found = new Set<string>();
  for await (const path of glob(pattern)) {
    const node = await realpath(path).catch(() => path);
    const device = await readDevice(node);
    if (device?.type !== "b") continue;
    if (existsSync(`/sys/dev/block/${device.major}:${device.minor}/partition`)) continue;
    found.add(node);
  }
  return [...found];
}

async function rdtOf(folder: string): Promise<NodeClasses["rdt"]> {
  // The folder alone is there where the kernel could, and nothing is mounted.
  if (!existsSync(`${folder}/schemata`)) return { problem: `resctrl is not mounted on ${folder}` };
  const entries = await readdir(folder, { withFileTypes: true });
  const groups = entries.filter((entry) => entry.isDirectory() && !noGroups.includes(entry.name));
  return { classes: groups.map(({ name }) => name) };
}
