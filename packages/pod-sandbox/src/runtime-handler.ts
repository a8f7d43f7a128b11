import { apiAtLeast, type EngineFacts } from "./engine-facts.js";
import { PodSandboxError } from "./pod-sandbox-error.js";

/** Whether a CRI runtime handler means the engine's default runtime, as dockershim had it. */
export function isDefaultHandler(handler: string): boolean {
  return handler === "" || handler === "docker";
}

/**
 * Docker's `HostConfig.Runtime` for a CRI runtime handler.
 *
 * @returns undefined for the default one
 * @throws PodSandboxError `invalid_argument` where the engine has no such runtime
 */
export function toDockerRuntime(handler: string, engine: EngineFacts): string | undefined {
  if (isDefaultHandler(handler)) return undefined;
  if (engine.runtimes.includes(handler)) return handler;
  const known = engine.runtimes.join(", ");
  throw new PodSandboxError(
    "invalid_argument",
    "runtime_handler",
    `${JSON.stringify(handler)} is none of the engine's runtimes (${known})`,
  );
}

// runc turns such annotations into properties of the systemd unit it starts, with root's rights.
const unsafePrefix = "org.systemd.property.";

/**
 * OCI annotations for a container. They are instructions to runtimes such as Kata or gVisor, so
 * only a handler chosen on purpose gets them: the default runtime keeps to CRI's advice that
 * annotations should not change behaviour. Engines before API 1.43 cannot pass them.
 */
export function toOciAnnotations(
  handler: string,
  engine: EngineFacts,
  ...sources: readonly Readonly<Record<string, string>>[]
): Record<string, string> | undefined {
  if (isDefaultHandler(handler) || !apiAtLeast(engine.apiVersion, "1.43")) return undefined;
  const entries = sources
    .flatMap((source) => Object.entries(source))
    .filter(([key]) => key !== "" && !key.startsWith(unsafePrefix));
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}
