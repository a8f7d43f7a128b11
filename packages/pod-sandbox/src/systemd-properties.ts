import type { CgroupWrite } from "./docker-create.js";
import type { InspectedHostConfig } from "./docker-inspect.js";

/** Files of cgroup v2 with the property of systemd that takes the same value (systemd.resource-control(5)). */
const properties: ReadonlyMap<string, string> = new Map([
  ["memory.min", "MemoryMin"],
  ["memory.low", "MemoryLow"],
  ["memory.high", "MemoryHigh"],
  ["memory.max", "MemoryMax"],
  ["memory.swap.max", "MemorySwapMax"],
  ["memory.zswap.max", "MemoryZSwapMax"],
  ["cpu.weight", "CPUWeight"],
  ["io.weight", "IOWeight"],
  ["pids.max", "TasksMax"],
]);

/**
 * The assignment by which systemd keeps a value that was written into a file of a scope's cgroup,
 * such as `MemoryHigh=1048576`. Without it systemd puts back its own at the next reload.
 *
 * @returns undefined where no property takes just this value
 */
export function systemdProperty({ file, value }: CgroupWrite): string | undefined {
  const property = properties.get(file);
  const number = /^(?:default )?(max|\d+)$/.exec(value)?.[1];
  if (property === undefined || number === undefined) return undefined;
  return `${property}=${number === "max" ? "infinity" : number}`;
}

/**
 * The assignment for a container that may not swap: runc sets no property for a limit of 0, so that
 * a reload of systemd would lift it.
 *
 * @returns undefined for one that may swap, or has no limit
 */
export function noSwapProperty({
  Memory: memory,
  MemorySwap: both,
}: Pick<InspectedHostConfig, "Memory" | "MemorySwap">): string | undefined {
  return (memory ?? 0) > 0 && both === memory ? "MemorySwapMax=0" : undefined;
}
