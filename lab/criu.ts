import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { unpackPackages } from "./debian.ts";

/**
 * Debian's newest CRIU, for what it finds in a kernel of today: bookworm's cannot read the vDSO of one. It is
 * linked with a newer C library than this machine may have, so that comes along with the others.
 */
const suite = "sid";
const packages = [
  "criu",
  "libc6",
  "libbsd0",
  "libffi8",
  "libgmp10",
  "libgnutls30t64",
  "libhogweed6t64",
  "libidn2-0",
  "libjansson4",
  "libmd0",
  "libmnl0",
  "libnet9",
  "libnettle8t64",
  "libnftables1",
  "libnftnl11",
  "libnl-3-200",
  "libp11-kit0",
  "libprotobuf-c1",
  "libtasn1-6",
  "libunistring5",
  "libuuid1",
  "libxtables12",
];

/**
 * Fetches CRIU into the cache.
 *
 * @returns The folder to put on the engine's PATH, where runc looks for a program named `criu`.
 */
export async function unpackCriu(cacheDir: string, signal?: AbortSignal): Promise<string> {
  const tree = join(cacheDir, "criu");
  await unpackPackages(tree, packages, { suite, signal });
  const folder = join(tree, "bin");
  const program = join(folder, "criu");
  if (existsSync(program)) return folder;
  const libraries = join(tree, "usr/lib/x86_64-linux-gnu");
  mkdirSync(folder, { recursive: true });
  // Another run may look for it at this moment.
  const draft = `${program}.${process.pid}`;
  const loader = `${libraries}/ld-linux-x86-64.so.2 --library-path ${libraries}`;
  writeFileSync(draft, `#!/bin/sh\nexec ${loader} ${tree}/usr/sbin/criu "$@"\n`, { mode: 0o755 });
  renameSync(draft, program);
  return folder;
}
