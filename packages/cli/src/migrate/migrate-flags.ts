import { criDockerdFlags, translateValue } from "../cri-dockerd/cri-dockerd-flags.js";

/** A flag that a running cri-dockerd was given, and what to do with it. */
export interface MigratedFlag {
  readonly flag: string;
  readonly value: string;
  /** What to give `dockershim serve`, or empty. */
  readonly use: string;
  readonly note: string;
}

/**
 * Maps the flags of a cri-dockerd to those of `dockershim serve`.
 *
 * @param args Its command line without the program: `--flag=value`, or `--flag value`.
 */
export function migrateFlags(args: readonly string[]): MigratedFlag[] {
  return readFlags(args).map(({ flag, value }) => {
    const fate = criDockerdFlags[flag];
    if (fate === undefined) return { flag, value, use: "", note: "unknown to dockershim" };
    const { ours, standard, note } = fate;
    if (ours === undefined) return { flag, value, use: "", note };
    if (value === standard) return { flag, value, use: "", note: "the default here, too" };
    // Docker images named for the pause container stay possible, but nobody has to choose one.
    const use =
      ours === "pod-infra-container-image"
        ? ""
        : `--${ours}=${listenPath(ours, translateValue(flag, value))}`;
    return { flag, value, use, note };
  });
}

/** A socket unit of cri-dockerd is none of ours; kubeadm looks for this path. */
function listenPath(flag: string, value: string): string {
  return flag === "listen" && value.startsWith("fd://")
    ? "unix:///var/run/cri-dockerd.sock"
    : value;
}

/** Flags of cri-dockerd in their order; what is none is left out. */
export function readFlags(args: readonly string[]): { flag: string; value: string }[] {
  const found: { flag: string; value: string }[] = [];
  for (let index = 0; index < args.length; index++) {
    const [, flag, value] = /^--?([a-z0-9-]+)(?:=(.*))?$/s.exec(args[index] ?? "") ?? [];
    if (flag === undefined) continue;
    const next = args[index + 1];
    if (value !== undefined) found.push({ flag, value });
    else if (next === undefined || next.startsWith("-")) found.push({ flag, value: "true" });
    else found.push({ flag, value: args[++index] ?? "" });
  }
  return found;
}
