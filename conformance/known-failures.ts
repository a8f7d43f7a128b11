import { readFileSync } from "node:fs";
import { ConformanceError } from "./conformance-error.ts";
import { type HostFacts, thisHost } from "./host-facts.ts";

/** A check that is known to fail, and why that is accepted for now. */
export interface KnownFailure {
  /** Full name, or its start with a `*` at the end. */
  readonly name: string;
  readonly reason: string;
  /** Engines (20, 26, 28, 29) that it fails on; all when left out. */
  readonly engines?: readonly string[];
  /** Number of a Linux capability: it fails only where the host's root lacks that, as in a container. */
  readonly withoutCapability?: number;
  /** A module of the kernel: it fails only where there is none of that name to load. */
  readonly withoutModule?: string;
  /** It fails only where cgroups are of that version. */
  readonly cgroups?: 1 | 2;
  /** It fails only where the kernel is user-mode Linux. */
  readonly userModeLinux?: true;
  /** What the failure says, for a check of which only one part cannot pass: with other words it is a new failure. */
  readonly says?: string;
}

/** Reads the checked-in list. Each entry must say why. */
export function readKnownFailures(file: string): KnownFailure[] {
  const list = JSON.parse(readFileSync(file, "utf8")) as readonly Partial<KnownFailure>[];
  return list.map((entry, index) => {
    if (!entry.name || !entry.reason) {
      throw new ConformanceError(`${file}: entry ${index} needs a name and a reason`);
    }
    return entry as KnownFailure;
  });
}

/** Whether an entry is about this engine on this host. */
function applies(known: KnownFailure, engine: string, host: HostFacts): boolean {
  const { engines, withoutCapability, withoutModule, cgroups, userModeLinux } = known;
  return (
    (engines === undefined || engines.includes(engine)) &&
    (withoutCapability === undefined || !host.hasCapability(withoutCapability)) &&
    (withoutModule === undefined || !host.hasModule(withoutModule)) &&
    (cgroups === undefined || cgroups === host.cgroups) &&
    (userModeLinux === undefined || host.userModeLinux)
  );
}

/** Whether a failure is the one that an entry tells of. */
export function isFailureOf({ says = "" }: KnownFailure, reason: string): boolean {
  return reason.includes(says);
}

/** The entry that covers a check on an engine, on a host. */
export function findKnown(
  list: readonly KnownFailure[],
  name: string,
  engine: string,
  host: HostFacts = thisHost,
): KnownFailure | undefined {
  return list.find(
    (known) =>
      applies(known, engine, host) &&
      (known.name.endsWith("*") ? name.startsWith(known.name.slice(0, -1)) : name === known.name),
  );
}
