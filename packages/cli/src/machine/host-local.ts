import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Network } from "@dockershim/cni";

/** Where host-local keeps which address is whose, a folder for each network, unless a configuration says otherwise. */
export const usualLeaseDir = "/var/lib/cni/networks";

/** An address that host-local has given to a container. */
export interface AddressLease {
  readonly file: string;
  readonly network: string;
  readonly address: string;
  /** The container, as the runtime named it to the plugin. */
  readonly id: string;
  /** Milliseconds since the epoch when it was given. */
  readonly since: number;
}

/** host-local writes the container's id into the first line of a file named after the address. */
export async function readLeases(dir: string): Promise<AddressLease[]> {
  const found: AddressLease[] = [];
  for (const network of await readdir(dir).catch(() => [])) {
    for (const name of await readdir(join(dir, network)).catch(() => [])) {
      // Beside leases there are `lock` and `last_reserved_ip.N`. IPv6 addresses may be written with `_` for `:`.
      if (!/^[0-9a-f]*[.:_][0-9a-f.:_]*$/i.test(name)) continue;
      const file = join(dir, network, name);
      const text = await readFile(file, "utf8").catch(() => "");
      const [id = ""] = text.trim().split(/\s/);
      const since = (await stat(file).catch(() => undefined))?.mtimeMs;
      if (id === "" || since === undefined) continue;
      found.push({ file, network, address: name.replaceAll("_", ":"), id, since });
    }
  }
  return found;
}

/** Where the host-local of a network's plugins keeps its addresses; none where no plugin uses it. */
export function leaseDirsOf({ plugins }: Network): string[] {
  return plugins.flatMap(({ config }) => {
    const { ipam } = config as { ipam?: { type?: unknown; dataDir?: unknown } };
    if (typeof ipam !== "object" || ipam === null || ipam.type !== "host-local") return [];
    return [typeof ipam.dataDir === "string" && ipam.dataDir !== "" ? ipam.dataDir : usualLeaseDir];
  });
}
