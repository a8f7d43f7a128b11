import { isIPv6 } from "node:net";
import { StreamingError } from "./errors.js";

/** Where to listen. */
export interface BindAddress {
  readonly host: string;
  readonly port: number;
}

/** What URLs start with. */
export interface BaseUrl {
  /** The path before `/exec/…`, without a trailing slash. */
  readonly path: string;
  /** The URL without a trailing slash; a port of 0 becomes `port`. */
  withPort(port: number): string;
}

/**
 * Reads `host:port` or `[ipv6]:port`. An empty host is refused: elsewhere it means all
 * interfaces, which nobody should get by leaving something out.
 */
export function parseBindAddress(address: string): BindAddress {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535) {
    throw new StreamingError("invalid_argument", `"${address}" is not an address host:port`);
  }
  return { host, port };
}

/** Reads an absolute URL; throws `invalid_argument`. */
export function parseBaseUrl(text: string): BaseUrl {
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new StreamingError("invalid_argument", `"${text}" is not an absolute URL`, { cause });
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new StreamingError("invalid_argument", `"${text}" is not an http or https URL`);
  }
  const path = url.pathname.replace(/\/+$/, "");
  return {
    path,
    withPort(port) {
      const authority = url.port === "0" ? `${url.hostname}:${port}` : url.host;
      return `${url.protocol}//${authority}${path}`;
    },
  };
}

/** The host part of a URL that reaches a bound address from this machine. */
export function urlHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (isIPv6(host)) return host === "::" ? "[::1]" : `[${host}]`;
  return host;
}
