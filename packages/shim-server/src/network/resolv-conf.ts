import { writeFile } from "node:fs/promises";
import type { DNSConfig } from "@dockershim/cri-types";

/**
 * The text of a pod's resolv.conf (resolv.conf(5)).
 *
 * @param dns `PodSandboxConfig.dns_config`.
 */
export function resolvConf(dns: DNSConfig): string {
  const lines = dns.servers.map((server) => `nameserver ${server}`);
  if (dns.searches.length > 0) lines.unshift(`search ${dns.searches.join(" ")}`);
  if (dns.options.length > 0) lines.push(`options ${dns.options.join(" ")}`);
  return `${lines.join("\n")}\n`;
}

/**
 * Writes the pod's DNS settings over the file that Docker made for the sandbox.
 *
 * Docker adds the host's settings to what it is given, CRI's are meant to be all. Containers of
 * the pod mount the sandbox's file, so writing it before the first of them exists reaches all.
 *
 * @param path `ResolvConfPath` of the inspected sandbox. The file is written in place, since
 * containers hold its inode.
 */
export async function writeResolvConf(path: string, dns: DNSConfig): Promise<void> {
  await writeFile(path, resolvConf(dns));
}
