import { readFileSync } from "node:fs";
import { ConformanceError } from "./conformance-error.ts";

/** A check that is known to fail, and why that is accepted for now. */
export interface KnownFailure {
  /** Full name, or its start with a `*` at the end. */
  readonly name: string;
  readonly reason: string;
  /** Engines (20, 26, 28, 29) that it fails on; all when left out. */
  readonly engines?: readonly string[];
  /** Number of a Linux capability: it fails only where the host's root lacks that, as in a container. */
  readonly withoutCapability?: number;
}

/** Whether the processes of this host may have a capability: /proc/self/status, `CapBnd`. */
export function hostHasCapability(number: number): boolean {
  const bounding = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return (BigInt(`0x${bounding ?? "0"}`) & (1n << BigInt(number))) !== 0n;
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

/** The entry that covers a check on an engine, on this host. */
export function findKnown(
  list: readonly KnownFailure[],
  name: string,
  engine: string,
  hasCapability: (number: number) => boolean = hostHasCapability,
): KnownFailure | undefined {
  return list.find(
    (known) =>
      (known.withoutCapability === undefined || !hasCapability(known.withoutCapability)) &&
      (known.engines === undefined || known.engines.includes(engine)) &&
      (known.name.endsWith("*") ? name.startsWith(known.name.slice(0, -1)) : name === known.name),
  );
}
