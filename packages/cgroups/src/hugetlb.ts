import type { ControllerSource } from "./controller-source.js";
import { listKernelDirectory } from "./kernel-file.js";
import { parseCount, parseLimit } from "./parse.js";

/** Huge pages of one size, in bytes or events. */
export interface HugetlbUsage {
  /** The size as the kernel writes it in file names: `2MB`, `1GB`. */
  readonly pageSize: string;
  readonly usageBytes: bigint;
  /** The most that was ever in use; v1 only. */
  readonly maxUsageBytes: bigint | undefined;
  /** undefined when unlimited. */
  readonly limitBytes: bigint | undefined;
  /** How often the limit was hit. */
  readonly failCount: bigint | undefined;
}

/** Reads all sizes; undefined when the hugetlb controller is not there. */
export type HugetlbReader = (
  hugetlb: ControllerSource | undefined,
) => readonly HugetlbUsage[] | undefined;

/** The sizes are fixed when the kernel starts, so they are looked for in the first cgroup only. */
export function createHugetlbReader(): HugetlbReader {
  const sizes = new Map<1 | 2, readonly string[]>();
  return (hugetlb) => {
    if (hugetlb === undefined || isWithout(hugetlb)) return undefined;
    let known = sizes.get(hugetlb.version);
    if (known === undefined) {
      known = findPageSizes(hugetlb);
      // A cgroup without the controller (v2: not enabled by its parent) says nothing of others.
      if (known.length === 0) return undefined;
      sizes.set(hugetlb.version, known);
    }
    const all: HugetlbUsage[] = [];
    for (const pageSize of known) {
      const usage = hugetlb.version === 1 ? readV1(hugetlb, pageSize) : readV2(hugetlb, pageSize);
      if (usage !== undefined) all.push(usage);
    }
    return all.length === 0 ? undefined : all;
  };
}

/** On v2 a parent chooses which controllers a cgroup has, and a cgroup tells (cgroups(7)). */
function isWithout(hugetlb: ControllerSource): boolean {
  const controllers = hugetlb.version === 2 ? hugetlb.read("cgroup.controllers") : undefined;
  return controllers !== undefined && !controllers.includes("hugetlb");
}

function findPageSizes(hugetlb: ControllerSource): string[] {
  const suffix = hugetlb.version === 1 ? "usage_in_bytes" : "current";
  const sizes: string[] = [];
  for (const name of listKernelDirectory(hugetlb.directory) ?? []) {
    const [prefix, size, file, more] = name.split(".");
    if (prefix !== "hugetlb" || size === undefined || more !== undefined) continue;
    if (file === suffix) sizes.push(size);
  }
  return sizes;
}

function readV1(hugetlb: ControllerSource, pageSize: string): HugetlbUsage | undefined {
  const prefix = `hugetlb.${pageSize}.`;
  const usageBytes = parseCount(hugetlb.read(`${prefix}usage_in_bytes`));
  if (usageBytes === undefined) return undefined;
  return {
    pageSize,
    usageBytes,
    maxUsageBytes: parseCount(hugetlb.read(`${prefix}max_usage_in_bytes`)),
    limitBytes: parseLimit(hugetlb.read(`${prefix}limit_in_bytes`)),
    failCount: parseCount(hugetlb.read(`${prefix}failcnt`)),
  };
}

const events: ReadonlySet<string> = new Set(["max"]);

function readV2(hugetlb: ControllerSource, pageSize: string): HugetlbUsage | undefined {
  const prefix = `hugetlb.${pageSize}.`;
  const usageBytes = parseCount(hugetlb.read(`${prefix}current`));
  if (usageBytes === undefined) return undefined;
  return {
    pageSize,
    usageBytes,
    maxUsageBytes: undefined,
    limitBytes: parseLimit(hugetlb.read(`${prefix}max`)),
    failCount: hugetlb.readKeyed(`${prefix}events`, events).get("max"),
  };
}
