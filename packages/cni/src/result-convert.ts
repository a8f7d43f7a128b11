import { isIPv6 } from "node:net";
import { CniError } from "./errors.js";
import { isJsonObject, type JsonObject } from "./json.js";
import { type CniVersion, isAtLeast, parseCniVersion } from "./version.js";

/**
 * Converts an ADD result to another version of the specification. There were
 * three shapes: `ip4`/`ip6` up to 0.2.0; lists with `ips[].version` from 0.3.0;
 * the same without it from 1.0.0. Going below 0.3.0 keeps the first address of
 * each family, and going below 1.0.0 drops what interfaces have besides name,
 * MAC and sandbox; members unknown to us are kept where the shape stays.
 *
 * @param result a result object; its `cniVersion` tells its version (absent: 0.1.0)
 * @param version the version wanted
 * @throws CniError `invalid_result` when the result cannot be expressed (below
 *   0.3.0 it needs an address), `unsupported_version` when its version is unknown
 */
export function convertResult(result: JsonObject, version: CniVersion): JsonObject {
  const { cniVersion = "" } = result;
  if (typeof cniVersion !== "string") {
    throw new CniError("invalid_result", "the result's cniVersion is not a string");
  }
  const from = parseCniVersion(cniVersion);
  const [source, target] = [shapeOf(from), shapeOf(version)];
  if (source === target) return { ...result, cniVersion: version };
  const lists = source === "families" ? familiesToLists(result) : result;
  if (target === "families") return listsToFamilies(lists, version);
  return target === "versioned-lists"
    ? addIpVersions(lists, version)
    : dropIpVersions(lists, version);
}

type Shape = "families" | "versioned-lists" | "lists";

function shapeOf(version: CniVersion): Shape {
  if (!isAtLeast(version, "0.3.0")) return "families";
  return isAtLeast(version, "1.0.0") ? "lists" : "versioned-lists";
}

function familiesToLists(result: JsonObject): JsonObject {
  const families = [result.ip4, result.ip6].filter(isJsonObject);
  return {
    ips: families.map(({ ip, gateway }) => ({
      address: ip,
      ...(gateway === undefined ? {} : { gateway }),
    })),
    routes: families.flatMap(({ routes }) => objects(routes)),
    ...(result.dns === undefined ? {} : { dns: result.dns }),
  };
}

function listsToFamilies(lists: JsonObject, version: CniVersion): JsonObject {
  const ips = objects(lists.ips);
  const routes = objects(lists.routes);
  const family = (v6: boolean): JsonObject | undefined => {
    const ip = ips.find(({ address }) => isCidrV6(address) === v6);
    if (ip === undefined) return undefined;
    const own = routes
      .filter(({ dst }) => isCidrV6(dst) === v6)
      .map(({ dst, gw }) => ({ dst, ...(gw === undefined ? {} : { gw }) }));
    return {
      ip: ip.address,
      ...(ip.gateway === undefined ? {} : { gateway: ip.gateway }),
      ...(own.length === 0 ? {} : { routes: own }),
    };
  };
  const [ip4, ip6] = [family(false), family(true)];
  if (ip4 === undefined && ip6 === undefined) {
    throw new CniError("invalid_result", `a result of version ${version} needs an address`);
  }
  return {
    cniVersion: version,
    ...(ip4 === undefined ? {} : { ip4 }),
    ...(ip6 === undefined ? {} : { ip6 }),
    ...(lists.dns === undefined ? {} : { dns: lists.dns }),
  };
}

function addIpVersions(lists: JsonObject, version: CniVersion): JsonObject {
  return {
    ...lists,
    cniVersion: version,
    ...(lists.interfaces === undefined
      ? {}
      : {
          interfaces: objects(lists.interfaces).map(({ name, mac, sandbox }) => ({
            name,
            ...(mac === undefined ? {} : { mac }),
            ...(sandbox === undefined ? {} : { sandbox }),
          })),
        }),
    ips: objects(lists.ips).map((ip) => ({ version: isCidrV6(ip.address) ? "6" : "4", ...ip })),
  };
}

function dropIpVersions(lists: JsonObject, version: CniVersion): JsonObject {
  return {
    ...lists,
    cniVersion: version,
    // A list with something else in it is left for the reader of the result to refuse.
    ...(Array.isArray(lists.ips) && lists.ips.every(isJsonObject)
      ? { ips: lists.ips.map(({ version: _, ...ip }) => ip) }
      : {}),
  };
}

function objects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function isCidrV6(cidr: unknown): boolean {
  return typeof cidr === "string" && isIPv6(cidr.split("/", 1)[0] ?? "");
}
