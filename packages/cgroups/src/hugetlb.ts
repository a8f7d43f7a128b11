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
}

/** What limits the huge pages of one size. */
export interface HugetlbDetail {
  /** The size as in {@link HugetlbUsage}. */
  readonly pageSize: string;
  /** undefined when unlimited. */
  readonly limitBytes: bigint | undefined;
  /** How often the limit was hit. */
  readonly failCount: bigint | undefined;
}

/** Reads all sizes; undefined when the hugetlb controller is not there. */
export interface HugetlbReader {
  usage(hugetlb: ControllerSource | undefined): readonly HugetlbUsage[] | undefined;
  detail(hugetlb: ControllerSource | undefined): readonly HugetlbDetail[] | undefined;
}

/** The sizes are fixed when the kernel starts, so they are looked for in the first cgroup only. */
export function createHugetlbReader(): HugetlbReader {
  const sizes = new Map<1 | 2, readonly string[]>();

  function sizesOf(hugetlb: ControllerSource): readonly string[] {
    if (isWithout(hugetlb)) return [];
    const known = sizes.get(hugetlb.version);
    if (known !== undefined) return known;
    const found = findPageSizes(hugetlb);
    // A cgroup without the controller (v2: not enabled by its parent) says nothing of others.
    if (found.length > 0) sizes.set(hugetlb.version, found);
    return found;
  }

  function each<Figures>(
    hugetlb: ControllerSource | undefined,
    read: (hugetlb: ControllerSource, pageSize: string) => Figures | undefined,
  ): readonly Figures[] | undefined {
    if (hugetlb === undefined) return undefined;
    const all: Figures[] = [];
    for (const pageSize of sizesOf(hugetlb)) {
      const figures = read(hugetlb, pageSize);
      if (figures !== undefined) all.push(figures);
    }
    return all.length === 0 ? undefined : all;
  }

  return {
    usage: (hugetlb) => each(hugetlb, readUsage),
    detail: (hugetlb) => each(hugetlb, readDetail),
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

function readUsage(hugetlb: ControllerSource, pageSize: string): HugetlbUsage | undefined {
  const v1 = hugetlb.version === 1;
  const prefix = `hugetlb.${pageSize}.`;
  const usageBytes = parseCount(hugetlb.read(`${prefix}${v1 ? "usage_in_bytes" : "current"}`));
  if (usageBytes === undefined) return undefined;
  const maxUsageBytes = v1 ? parseCount(hugetlb.read(`${prefix}max_usage_in_bytes`)) : undefined;
  return { pageSize, usageBytes, maxUsageBytes };
}

const events: ReadonlySet<string> = new Set(["max"]);

function readDetail(hugetlb: ControllerSource, pageSize: string): HugetlbDetail | undefined {
  const v1 = hugetlb.version === 1;
  const prefix = `hugetlb.${pageSize}.`;
  const limit = hugetlb.read(`${prefix}${v1 ? "limit_in_bytes" : "max"}`);
  if (limit === undefined) return undefined;
  const failCount = v1
    ? parseCount(hugetlb.read(`${prefix}failcnt`))
    : hugetlb.readKeyed(`${prefix}events`, events).get("max");
  return { pageSize, limitBytes: parseLimit(limit), failCount };
}
