import { randomBytes } from "node:crypto";
import { StreamingError } from "./errors.js";

/** Options of {@link createTokenStore}. */
export interface TokenStoreOptions {
  readonly ttlMs: number;
  readonly max: number;
  /** A clock in milliseconds that never goes backwards. */
  readonly now: () => number;
}

/** Values that wait to be fetched once, each under an unguessable token. */
export interface TokenStore<Value> {
  /** Keeps a value; throws `resource_exhausted` if too many are outstanding. */
  insert(value: Value): string;
  /** Takes a value out; undefined if the token is unknown, used or expired. */
  consume(token: string): Value | undefined;
  /** How many are outstanding. */
  count(): number;
  clear(): void;
}

/** 18 bytes: the token is all that authenticates a request, and its length costs nothing. */
const tokenBytes = 18;

export function createTokenStore<Value>(options: TokenStoreOptions): TokenStore<Value> {
  // A Map keeps the order of insertion, and the lifetime is the same for all, so the oldest
  // entries are the first to expire.
  const entries = new Map<string, { value: Value; expiresAt: number }>();

  function purge(): void {
    const now = options.now();
    for (const [token, entry] of entries) {
      if (entry.expiresAt > now) return;
      entries.delete(token);
    }
  }

  return {
    insert(value) {
      purge();
      if (entries.size >= options.max) {
        throw new StreamingError(
          "resource_exhausted",
          "maximum number of in-flight requests exceeded",
        );
      }
      const token = randomBytes(tokenBytes).toString("base64url");
      entries.set(token, { value, expiresAt: options.now() + options.ttlMs });
      return token;
    },
    consume(token) {
      purge();
      const entry = entries.get(token);
      entries.delete(token);
      return entry?.value;
    },
    count() {
      purge();
      return entries.size;
    },
    clear() {
      entries.clear();
    },
  };
}
