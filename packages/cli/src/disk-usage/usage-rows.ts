import type { DiskFacts } from "../check/check-facts.js";
import { formatBytes } from "../output/byte-size.js";
import { formatTable } from "../output/table.js";

/** Something that takes room. */
export interface UsingThing {
  /** Bytes. */
  readonly size: number;
  /** Whether something that runs, or that the kubelet wants, needs it. */
  readonly active: boolean;
}

/** A kind of things. */
export interface UsageFacts {
  readonly kind: string;
  readonly things: readonly UsingThing[];
  /** Bytes of all, where that is not the sum: layers may be shared. */
  readonly size?: number | undefined;
  /** Why it is not known; undefined when it is. */
  readonly skipped?: string;
}

/** What a kind of things takes. */
export interface UsageRow {
  readonly kind: string;
  readonly total: number;
  readonly active: number;
  /** Bytes. */
  readonly size: number;
  /** Bytes that would be free without what is not active, at most. */
  readonly reclaimable: number;
}

/** What is known, summed up. */
export function sumUsage(facts: readonly UsageFacts[]): UsageRow[] {
  return facts
    .filter(({ skipped }) => skipped === undefined)
    .map(({ kind, things, size }) => {
      const idle = things.filter(({ active }) => !active);
      const all = size ?? sum(things);
      return {
        kind,
        total: things.length,
        active: things.length - idle.length,
        size: all,
        // Of layers that are shared, more may seem to be free than there are.
        reclaimable: Math.min(all, sum(idle)),
      };
    });
}

function sum(things: readonly UsingThing[]): number {
  return things.reduce((total, { size }) => total + size, 0);
}

/** The whole for people. */
export function describeUsage(facts: readonly UsageFacts[], disks: readonly DiskFacts[]): string {
  const rows = sumUsage(facts).map(({ kind, total, active, size, reclaimable }) => [
    kind,
    `${total}`,
    `${active}`,
    bytes(size),
    reclaimable === 0 ? "0B" : `${bytes(reclaimable)} (${Math.round((100 * reclaimable) / size)}%)`,
  ]);
  const sections = [formatTable(["kind", "total", "active", "size", "reclaimable"], rows)];
  const byMount = Map.groupBy(disks, ({ mountPoint }) => mountPoint);
  const fileSystems = [...byMount].flatMap(([mountPoint, [disk, ...others]]) => {
    if (disk === undefined) return [];
    const { total, available, inodes, inodesFree } = disk;
    const uses = [...new Set([disk, ...others].map(({ use }) => use))].join(", ");
    return [
      [
        mountPoint,
        bytes(total),
        bytes(available),
        percent(total - available, total),
        percent(inodes - inodesFree, inodes),
        uses,
      ],
    ];
  });
  if (fileSystems.length > 0) {
    sections.push(
      formatTable(["file system", "size", "free", "use", "inodes", "what is there"], fileSystems),
    );
  }
  const skipped = facts.flatMap(({ kind, skipped: why }) =>
    why === undefined ? [] : [`  ${kind}: ${why}\n`],
  );
  if (skipped.length > 0) sections.push(`Not known:\n${skipped.join("")}`);
  return sections.join("\n");
}

function bytes(size: number): string {
  return formatBytes(BigInt(Math.max(0, Math.round(size))));
}

/** `-` on file systems that don't count. */
function percent(part: number, whole: number): string {
  return whole === 0 ? "-" : `${Math.round((100 * part) / whole)}%`;
}
