import type { AuthConfig } from "@dockershim/cri-types";
import type { RegistryAuth } from "@dockershim/docker-client";
import { ShimError } from "../shim-error.js";
import { registryOf } from "../state/image-reference.js";

/** Docker's own name for the server of Docker Hub in credentials. */
const hubServer = "https://index.docker.io/v1/";

const hubHosts = new Set(["docker.io", "index.docker.io", "registry-1.docker.io"]);

/**
 * Credentials as the engine takes them (`X-Registry-Auth`), out of any form CRI has: an identity
 * token, a registry token, username and password, or both in `auth` as base64.
 *
 * Credentials that name a server go to no other one: for an image from elsewhere there are none.
 *
 * @throws ShimError `invalid_argument` when `auth` holds no `username:password`.
 */
export function toRegistryAuth(
  auth: AuthConfig | undefined,
  reference: string,
): RegistryAuth | undefined {
  if (auth === undefined) return undefined;
  const registry = registryOf(reference);
  if (auth.serverAddress !== "" && canonicalHost(auth.serverAddress) !== canonicalHost(registry)) {
    return undefined;
  }
  // Engines with the containerd image store (26.1, say) use no credentials without their server.
  const serveraddress = registry === "docker.io" ? hubServer : registry;
  if (auth.identityToken !== "") return { identitytoken: auth.identityToken, serveraddress };
  if (auth.registryToken !== "") return { registrytoken: auth.registryToken, serveraddress };
  if (auth.username !== "" || auth.password !== "") {
    return { username: auth.username, password: auth.password, serveraddress };
  }
  if (auth.auth === "") return undefined;
  const [username, password] = decodePair(auth.auth);
  return { username, password, serveraddress };
}

function decodePair(pair: string): [username: string, password: string] {
  const decoded = Buffer.from(pair, "base64").toString("utf8");
  const colon = decoded.indexOf(":");
  if (colon < 1) {
    throw new ShimError("invalid_argument", "auth.auth: not the base64 of username:password");
  }
  // Docker's own configuration files pad the password with NULs at times.
  return [decoded.slice(0, colon), decoded.slice(colon + 1).replace(/\0+$/, "")];
}

/**
 * The host of a server's address: `https://Host:443/v1/` and `host` are one server, Docker Hub has
 * several names, and credentials before the host are no part of it.
 */
export function canonicalHost(address: string): string {
  const [, scheme, authority = ""] = /^(?:(https?):\/\/)?([^/]*)/i.exec(address) ?? [];
  const port = scheme?.toLowerCase() === "http" ? /:80$/ : /:443$/;
  const host = authority.replace(/^.*@/s, "").toLowerCase().replace(port, "");
  return hubHosts.has(host) ? "docker.io" : host;
}
