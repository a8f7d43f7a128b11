import type { KeyValue } from "@dockershim/cri-types";
import { PodSandboxError } from "./pod-sandbox-error.js";

/**
 * Docker's `Env` list. Values are bytes in CRI but JSON strings in Docker, so a value that is
 * not UTF-8 cannot be passed on and is refused. Of entries with the same key the last one wins,
 * at the place of the first, so that no program has to choose.
 */
export function toDockerEnvironment(envs: readonly KeyValue[]): string[] {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const values = new Map<string, string>();
  for (const [index, { key, value }] of envs.entries()) {
    const field = `config.envs[${index}]`;
    if (key === "") throw new PodSandboxError("invalid_argument", field, "key must not be empty");
    if (/[=\0]/.test(key)) {
      const reason = `key ${JSON.stringify(key)} must not contain '=' or NUL`;
      throw new PodSandboxError("invalid_argument", field, reason);
    }
    let text: string;
    try {
      text = decoder.decode(value);
    } catch (cause) {
      const reason = `value of ${key} is not UTF-8, and Docker's API carries text only`;
      throw new PodSandboxError("invalid_argument", field, reason, { cause });
    }
    if (text.includes("\0")) {
      const reason = `value of ${key} must not contain NUL`;
      throw new PodSandboxError("invalid_argument", field, reason);
    }
    values.set(key, text);
  }
  return [...values].map(([key, text]) => `${key}=${text}`);
}
