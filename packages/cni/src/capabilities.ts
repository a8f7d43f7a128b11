import { isIP } from "node:net";
import { CniError } from "./errors.js";
import { isJsonObject, type JsonObject } from "./json.js";

/** The names of the capabilities in use (CNI's CONVENTIONS.md, and containerd's own). */
export const capability: {
  readonly portMappings: "portMappings";
  readonly bandwidth: "bandwidth";
  readonly dns: "dns";
  readonly ipRanges: "ipRanges";
  readonly ips: "ips";
  readonly mac: "mac";
  readonly aliases: "aliases";
  readonly deviceId: "deviceID";
  readonly infinibandGuid: "infinibandGUID";
  readonly cgroupPath: "cgroupPath";
  readonly podAnnotations: "io.kubernetes.cri.pod-annotations";
} = {
  portMappings: "portMappings",
  bandwidth: "bandwidth",
  dns: "dns",
  ipRanges: "ipRanges",
  ips: "ips",
  mac: "mac",
  aliases: "aliases",
  deviceId: "deviceID",
  infinibandGuid: "infinibandGUID",
  cgroupPath: "cgroupPath",
  podAnnotations: "io.kubernetes.cri.pod-annotations",
};

/** A port as a caller asks for it; `hostPort` 0 or none means that it is not mapped. */
export interface PortMapping {
  readonly hostPort?: number | undefined;
  readonly containerPort: number;
  /** `tcp` (default), `udp` or `sctp`, in any case. */
  readonly protocol?: string | undefined;
  /** The host's address to listen on; empty for all. */
  readonly hostIp?: string | undefined;
}

/** An entry of the `portMappings` capability. */
export interface PortMappingEntry {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: string;
  readonly hostIP?: string;
}

/**
 * The value of `portMappings`, or undefined when no port of the host is asked for.
 *
 * @throws CniError `invalid_argument` for a port, protocol or address that no
 *   plugin could map
 */
export function portMappingsCapability(
  mappings: readonly PortMapping[],
): PortMappingEntry[] | undefined {
  const entries = mappings
    .filter(({ hostPort = 0 }) => hostPort !== 0)
    .map(({ hostPort = 0, containerPort, protocol = "tcp", hostIp = "" }) => {
      const name = protocol.toLowerCase();
      if (
        ![hostPort, containerPort].every(
          (port) => Number.isInteger(port) && port > 0 && port < 65_536,
        )
      ) {
        throw invalid(`cannot map host port ${hostPort} to port ${containerPort}`);
      }
      if (!["tcp", "udp", "sctp"].includes(name)) {
        throw invalid(`cannot map a port of protocol ${JSON.stringify(protocol)}`);
      }
      if (hostIp !== "" && isIP(hostIp) === 0) {
        throw invalid(`host IP ${JSON.stringify(hostIp)} is no address`);
      }
      return {
        hostPort,
        containerPort,
        protocol: name,
        ...(hostIp === "" ? {} : { hostIP: hostIp }),
      };
    });
  return entries.length === 0 ? undefined : entries;
}

/** A host port that is wanted and taken. */
export interface HostPortConflict {
  readonly wanted: PortMappingEntry;
  /** The container that has it, or undefined when it is wanted twice. */
  readonly containerId: string | undefined;
}

/**
 * Finds host ports that are mapped already, among the attachments of the cache
 * or in the wish itself. The portmap plugin does not: the later of two mappings
 * is silently without effect.
 *
 * @param wanted what `portMappingsCapability` returned
 * @param attachments the attachments in use (`cachedAttachments()`)
 */
export function findHostPortConflict(
  wanted: readonly PortMappingEntry[],
  attachments: readonly { readonly containerId: string; readonly capabilityArgs: JsonObject }[],
): HostPortConflict | undefined {
  for (const [index, entry] of wanted.entries()) {
    if (wanted.slice(0, index).some((other) => overlaps(entry, other))) {
      return { wanted: entry, containerId: undefined };
    }
    for (const { containerId, capabilityArgs } of attachments) {
      const mapped = capabilityArgs[capability.portMappings];
      if (Array.isArray(mapped) && mapped.filter(isJsonObject).some((it) => overlaps(entry, it))) {
        return { wanted: entry, containerId };
      }
    }
  }
  return undefined;
}

function overlaps(a: PortMappingEntry, b: JsonObject | PortMappingEntry): boolean {
  const protocol = typeof b.protocol === "string" ? b.protocol.toLowerCase() : "tcp";
  return a.hostPort === b.hostPort && a.protocol === protocol && sharesAddress(a.hostIP, b.hostIP);
}

function sharesAddress(a: string | undefined, b: unknown): boolean {
  const [left, right] = [a ?? "", typeof b === "string" ? b : ""];
  if (left === "" || right === "" || left === right) return true;
  if (isIP(left) !== isIP(right)) return false;
  return [left, right].some((address) => address === "0.0.0.0" || address === "::");
}

/** The value of `dns`, or undefined when nothing is set. */
export function dnsCapability(dns: {
  readonly servers?: readonly string[] | undefined;
  readonly searches?: readonly string[] | undefined;
  readonly options?: readonly string[] | undefined;
}): JsonObject | undefined {
  const set = Object.entries({
    servers: dns.servers,
    searches: dns.searches,
    options: dns.options,
  }).filter(([, value]) => value !== undefined && value.length > 0);
  return set.length === 0 ? undefined : Object.fromEntries(set);
}

/**
 * The value of `ipRanges`: one address out of each pod CIDR.
 *
 * @param podCidrs comma-separated, as the kubelet gives it: `10.1.0.0/24,fd00:1::/64`
 * @throws CniError `invalid_argument` for what is not in CIDR notation
 */
export function ipRangesCapability(podCidrs: string): { subnet: string }[][] | undefined {
  const subnets = podCidrs
    .split(",")
    .map((cidr) => cidr.trim())
    .filter((cidr) => cidr !== "");
  for (const subnet of subnets) {
    const [address = "", prefix = ""] = subnet.split("/", 2);
    if (isIP(address) === 0 || !/^\d+$/.test(prefix)) {
      throw invalid(`pod CIDR ${JSON.stringify(subnet)} is not in CIDR notation`);
    }
  }
  return subnets.length === 0 ? undefined : subnets.map((subnet) => [{ subnet }]);
}

function invalid(message: string): CniError {
  return new CniError("invalid_argument", message);
}
