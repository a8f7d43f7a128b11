import { chmodSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { quote } from "../lab/quote.ts";

/**
 * Puts a kubelet's program at a place. A kubelet ends at once on a machine that tells no frequency of its processors,
 * as user-mode Linux does: there it is started by a script that shows it one. Only to it, for a container with a user
 * namespace gets no /proc of its own where anything lies over a file of the host's.
 *
 * @param target - an absolute path
 */
export function installKubelet(program: string, target: string): void {
  rmSync(target, { force: true });
  const told = readFileSync("/proc/cpuinfo", "utf8");
  if (/^cpu MHz/m.test(told)) {
    symlinkSync(program, target);
    return;
  }
  const shown = `${target}.cpuinfo`;
  writeFileSync(shown, withFrequency(told));
  writeFileSync(target, kubeletScript(program, shown));
  chmodSync(target, 0o755);
}

/** What a machine tells of its processors, with a frequency for each. */
export function withFrequency(told: string): string {
  return told.replace(/^processor.*$/gm, "$&\ncpu MHz\t\t: 1000.000");
}

/** A script that runs a program which sees a file in place of /proc/cpuinfo; what it mounts is seen outside. */
export function kubeletScript(program: string, cpuinfo: string): string {
  const inside =
    'mount --make-private /proc && mount --bind "$1" /proc/cpuinfo && shift && exec "$@"';
  const words = ["unshare", "--mount", "--propagation", "unchanged", "sh", "-c", inside, "sh"];
  return `#!/bin/sh\nexec ${[...words, cpuinfo, program].map(quote).join(" ")} "$@"\n`;
}
