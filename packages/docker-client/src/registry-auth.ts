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
