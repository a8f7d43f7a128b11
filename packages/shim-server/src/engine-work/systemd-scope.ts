import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Sets properties of a container's scope, as `Name=value`. */
export type SetScopeProperties = (id: string, properties: readonly string[]) => Promise<void>;

const run = promisify(execFile);

/**
 * Has systemd keep properties of the scope that the engine's systemd driver made for a container,
 * until that ends.
 *
 * @throws Error with systemd's words, or when there is no `systemctl`.
 */
export async function setScopeProperties(id: string, properties: readonly string[]): Promise<void> {
  const options = ["--runtime", "--no-ask-password", `docker-${id}.scope`];
  await run("systemctl", ["set-property", ...options, ...properties], { timeout: 30_000 });
}
