/** What one directory adds to a sum. */
export interface TallyShare {
  readonly bytes: number;
  readonly inodes: number;
  /** Entries with several links: bytes by inode number. */
  readonly links: ReadonlyMap<bigint, number>;
}

/** The sum over the directories of a layer, with hard links counted once. */
export interface UsageTally {
  add(share: TallyShare): void;
  /** Takes back a share, which must be as it was added. */
  subtract(share: TallyShare): void;
  bytes(): number;
  inodes(): number;
}

/** Makes an empty sum. */
export function createUsageTally(): UsageTally {
  /** Inodes with several links: their bytes, and how many directories have them. */
  const links = new Map<bigint, { bytes: number; directories: number }>();
  let bytes = 0;
  let inodes = 0;
  return {
    add(share) {
      bytes += share.bytes;
      inodes += share.inodes;
      for (const [inode, size] of share.links) {
        const link = links.get(inode);
        if (link === undefined) {
          links.set(inode, { bytes: size, directories: 1 });
          bytes += size;
          inodes++;
        } else {
          link.directories++;
          // The later look knows better.
          bytes += size - link.bytes;
          link.bytes = size;
        }
      }
    },
    subtract(share) {
      bytes -= share.bytes;
      inodes -= share.inodes;
      for (const inode of share.links.keys()) {
        const link = links.get(inode);
        if (link === undefined) continue;
        link.directories--;
        if (link.directories > 0) continue;
        links.delete(inode);
        bytes -= link.bytes;
        inodes--;
      }
    },
    bytes: () => bytes,
    inodes: () => inodes,
  };
}
