import { existsSync, readFileSync } from "node:fs";
import { release } from "node:os";
import { isUserModeLinux } from "../lab/config.ts";

/** What of a host decides whether a check can pass there. */
export interface HostFacts {
  /** Whether root may have the Linux capability of that number. */
  hasCapability(number: number): boolean;
  /** Whether the kernel has that module, or its files are there to be loaded. */
  hasModule(name: string): boolean;
  readonly cgroups: 1 | 2;
  readonly userModeLinux: boolean;
}

function hasCapability(number: number): boolean {
  const bounding = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return (BigInt(`0x${bounding ?? "0"}`) & (1n << BigInt(number))) !== 0n;
}

function hasModule(name: string): boolean {
  const lists = ["modules.dep", "modules.builtin"].map(
    (list) => `/lib/modules/${release()}/${list}`,
  );
  const files = lists.filter((list) => existsSync(list)).map((list) => readFileSync(list, "utf8"));
  return (
    existsSync(`/sys/module/${name}`) ||
    files.some((file) => new RegExp(`^\\S*/${name}\\.ko`, "m").test(file))
  );
}

/** The machine that this runs on. */
export const thisHost: HostFacts = {
  hasCapability,
  hasModule,
  get cgroups() {
    return existsSync("/sys/fs/cgroup/cgroup.controllers") ? 2 : 1;
  },
  get userModeLinux() {
    return isUserModeLinux();
  },
};
