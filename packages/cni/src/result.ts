import { isIP } from "node:net";
import { CniError } from "./errors.js";
import { isJsonObject, type JsonObject } from "./json.js";
import { convertResult } from "./result-convert.js";
import { type CniVersion, latestCniVersion, parseCniVersion } from "./version.js";

/** An interface that an attachment made (CNI spec 1.1.0, section 5). */
export interface CniInterface {
  readonly name: string;
  readonly mac?: string;
  readonly mtu?: number;
  /** Path of the network namespace that it is in; absent for one on the host. */
  readonly sandbox?: string;
  readonly socketPath?: string;
  readonly pciID?: string;
}

/** An address that an attachment was given. */
export interface CniIp {
  /** In CIDR notation, such as `10.1.0.5/16`. */
  readonly address: string;
  readonly gateway?: string;
  /** Index into `interfaces`. */
  readonly interface?: number;
}

/** One of `routes` of a result; numbers as `ip route` has them. */
export interface CniRoute {
  readonly dst: string;
  readonly gw?: string;
  readonly mtu?: number;
  readonly advmss?: number;
  readonly priority?: number;
  readonly table?: number;
  readonly scope?: number;
}

/** `dns` of a result: what a pod's resolv.conf is made of. */
export interface CniDns {
  readonly nameservers?: readonly string[];
  readonly domain?: string;
  readonly search?: readonly string[];
  readonly options?: readonly string[];
}

/**
 * What ADD results in, whatever version the plugins speak: the shape of CNI
 * 1.1.0, with empty lists where a plugin left something out.
 */
export interface CniResult {
  readonly cniVersion: CniVersion;
  readonly interfaces: readonly CniInterface[];
  readonly ips: readonly CniIp[];
  readonly routes: readonly CniRoute[];
  readonly dns: CniDns;
}

/**
 * Reads what a plugin printed for ADD, in the version that was spoken with it.
 * A result that names no version is in that version (as libcni has it); one in
 * another version is converted, because the next plugin must be given its own.
 *
 * @throws CniError `invalid_result` or `unsupported_version`
 */
export function parseResult(stdout: string, spoken: CniVersion): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(stdout);
  } catch (error) {
    throw CniError.from(error, "invalid_result", "the result is not JSON");
  }
  // libcni takes `null` for a result without content, and so do plugins' authors.
  const object: unknown = value ?? {};
  if (!isJsonObject(object)) {
    throw new CniError("invalid_result", "the result is not a JSON object");
  }
  const { cniVersion = "" } = object;
  if (typeof cniVersion !== "string") {
    throw new CniError("invalid_result", "the result's cniVersion is not a string");
  }
  const version = cniVersion === "" ? spoken : parseCniVersion(cniVersion);
  const result = { ...object, cniVersion: version };
  toCniResult(result);
  return convertResult(result, spoken);
}

/**
 * Reads a result of any version into the shape of 1.1.0.
 *
 * @param result a result object as printed or cached; its `cniVersion` tells the
 *   version (absent: 0.1.0)
 * @throws CniError `invalid_result` or `unsupported_version`
 */
export function toCniResult(result: JsonObject): CniResult {
  const { interfaces, ips, routes, dns } = convertResult(result, latestCniVersion);
  const names = readList(interfaces, "interfaces");
  return {
    cniVersion: latestCniVersion,
    interfaces: names.map(readInterface),
    ips: readList(ips, "ips").map((ip) => readIp(ip, names.length)),
    routes: readList(routes, "routes").map(readRoute),
    dns: isJsonObject(dns) ? (dns as CniDns) : {},
  };
}

/** Which address comes first: the plugin's first one, or the first of a family. */
export type IpPreference = "first" | "ipv4" | "ipv6";

/**
 * The addresses of an attachment's own interface, without prefix length, the
 * primary one first and the others in the plugin's order (CRI: `ip` and
 * `additional_ips`). Addresses that name no interface count too; those of other
 * interfaces count only when there are no others, since some plugins list nothing
 * but the host's end of the link.
 *
 * @param ifName name of the interface inside the sandbox
 */
export function attachmentIps(
  result: CniResult,
  ifName: string,
  preference: IpPreference = "ipv4",
): string[] {
  const addresses = attachmentAddresses(result, ifName).map(
    (address) => address.split("/", 1)[0] ?? address,
  );
  const family = preference === "ipv6" ? 6 : 4;
  const primary =
    preference === "first" ? undefined : addresses.find((address) => isIP(address) === family);
  return primary === undefined
    ? addresses
    : [primary, ...addresses.filter((address) => address !== primary)];
}

/** The same addresses in CIDR notation, in the plugin's order. */
export function attachmentAddresses(result: CniResult, ifName: string): string[] {
  const own = result.ips.filter(({ interface: index }) => {
    const made = index === undefined ? undefined : result.interfaces[index];
    return made === undefined || (made.name === ifName && Boolean(made.sandbox));
  });
  return (own.length > 0 ? own : result.ips).map(({ address }) => address);
}

function readList(value: unknown, key: string): JsonObject[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || !value.every(isJsonObject)) {
    throw new CniError("invalid_result", `the result's ${key} is not a list of objects`);
  }
  return value;
}

function readInterface(entry: JsonObject): CniInterface {
  if (typeof entry.name !== "string") {
    throw new CniError("invalid_result", "an interface in the result has no name");
  }
  return entry as unknown as CniInterface;
}

function readIp(entry: JsonObject, interfaces: number): CniIp {
  const { address, interface: index } = entry;
  if (!isCidr(address)) {
    throw new CniError(
      "invalid_result",
      `the result has an address that is not in CIDR notation: ${JSON.stringify(address)}`,
    );
  }
  if (index !== undefined && index !== null) {
    if (typeof index !== "number" || !Number.isInteger(index) || index < 0 || index >= interfaces) {
      throw new CniError("invalid_result", `address ${address} names no interface of the result`);
    }
  }
  const { version: _, ...ip } = entry;
  return ip as unknown as CniIp;
}

function readRoute(entry: JsonObject): CniRoute {
  if (!isCidr(entry.dst)) {
    throw new CniError(
      "invalid_result",
      `the result has a route to ${JSON.stringify(entry.dst)}, which is not in CIDR notation`,
    );
  }
  return entry as unknown as CniRoute;
}

function isCidr(value: unknown): value is string {
  if (typeof value !== "string") return false;
  const [address = "", prefix = ""] = value.split("/", 2);
  const family = isIP(address);
  return family !== 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128);
}
