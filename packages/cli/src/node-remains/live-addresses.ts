import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/**
 * The addresses of all network namespaces that a process is in, IPv6 in its shortest form.
 *
 * @param procDir `/proc`
 */
export function readLiveAddresses(procDir: string): Set<string> {
  const live = new Set<string>();
  const seen = new Set<number>();
  for (const pid of readdirSync(procDir).filter((name) => /^\d+$/.test(name))) {
    try {
      const { ino } = statSync(join(procDir, pid, "ns/net"));
      if (seen.has(ino)) continue;
      const addresses = addressesOf(join(procDir, pid, "net"));
      seen.add(ino);
      for (const address of addresses) live.add(address);
    } catch {
      // The process has just ended; another one may be in its namespace.
    }
  }
  return live;
}

function addressesOf(folder: string): string[] {
  const v4 = readFileSync(join(folder, "fib_trie"), "utf8");
  // A leaf of the tree, with all routes to it below.
  const leaves = [...v4.matchAll(/\|-- (\S+)((?:\n\s+\/\d+ .*)+)/g)];
  const local = leaves.filter(([, , routes = ""]) => routes.includes("/32 host LOCAL"));
  return [...local.map(([, address = ""]) => address), ...readV6(join(folder, "if_inet6"))];
}

function readV6(file: string): string[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    // A kernel without IPv6.
    return [];
  }
  return text.split("\n").flatMap((line) => {
    const groups = /^[0-9a-f]{32}/.exec(line)?.[0].match(/.{4}/g);
    return groups ? [shortestV6(groups.join(":"))] : [];
  });
}

/** An IPv6 address as Go and the kernel's tools write it; another text as it is. */
export function shortestV6(address: string): string {
  const url = address.includes(":") ? URL.parse(`http://[${address}]`) : null;
  return url === null ? address : url.hostname.slice(1, -1);
}
