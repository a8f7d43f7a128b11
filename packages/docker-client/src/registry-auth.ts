import { DockerError } from "./errors.js";

/** Credentials for a registry. */
export interface RegistryAuth {
  username?: string | undefined;
  password?: string | undefined;
  /** Base64 of `username:password`; used when these two are empty. */
  auth?: string | undefined;
  /** The registry's address. */
  serveraddress?: string | undefined;
  /** A refresh token, used instead of a password. */
  identitytoken?: string | undefined;
  /** A bearer token sent to the registry as it is. */
  registrytoken?: string | undefined;
}

/**
 * The value of `X-Registry-Auth`: URL-safe base64 of JSON. A string is taken as encoded already.
 * The engine ignores `auth`, so user and password are read out of it here. Throws a `DockerError`
 * with `invalid_argument` when it holds no `username:password`.
 */
export function encodeRegistryAuth(auth: RegistryAuth | string): string {
  if (typeof auth === "string") return auth;
  const { auth: pair, ...rest } = auth;
  const fields: Record<string, string | undefined> = { ...rest };
  if (pair && !rest.username && !rest.password) {
    const decoded = Buffer.from(pair, "base64").toString("utf8");
    const colon = decoded.indexOf(":");
    if (colon < 1) {
      throw new DockerError({
        code: "invalid_argument",
        operation: "images.pull",
        engineMessage: "auth.auth is not the base64 of username:password",
      });
    }
    fields.username = decoded.slice(0, colon);
    // Docker's own configuration files pad the password with NULs at times.
    fields.password = decoded.slice(colon + 1).replace(/^\0+|\0+$/g, "");
  }
  // The engine reads URL-safe base64 with padding, unlike Node's base64url.
  return Buffer.from(JSON.stringify(fields))
    .toString("base64")
    .replaceAll("+", "-")
    .replaceAll("/", "_");
}
