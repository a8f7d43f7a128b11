import type { InspectedContainer } from "./docker-inspect.js";
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

/** By it containerd's shim of runc tells which containers to serve in one process. */
const shimGroupKey = "io.containerd.runc.v2.group";

// runc turns such annotations into properties of the systemd unit that it starts, and into the name of a
// configuration file of CRIU, both with root's rights; containerd's shim takes the others for its group.
const unsafePrefixes = [
  "org.systemd.property.",
  "org.criu.",
  "io.containerd.runc.",
  "io.kubernetes.cri.sandbox-id",
];

/**
 * OCI annotations for a container. They are instructions to runtimes such as Kata or gVisor, so
 * only a handler chosen on purpose gets those of CRI: the default runtime keeps to CRI's advice that
 * annotations should not change behaviour. It gets the group by which one shim serves the whole pod;
 * another one may have a shim of its own, which need not know groups. Engines before API 1.43 cannot
 * pass annotations.
 */
export function toOciAnnotations(
  handler: string,
  engine: EngineFacts,
  shimGroup: string | undefined,
  ...sources: readonly Readonly<Record<string, string>>[]
): Record<string, string> | undefined {
  if (!apiAtLeast(engine.apiVersion, "1.43")) return undefined;
  if (isDefaultHandler(handler)) {
    return shimGroup === undefined ? undefined : { [shimGroupKey]: shimGroup };
  }
  const entries = sources
    .flatMap((source) => Object.entries(source))
    .filter(([key]) => key !== "" && !unsafePrefixes.some((prefix) => key.startsWith(prefix)));
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

/** The group of a sandbox's shim; undefined where it was made without one. */
export function shimGroupOf({ HostConfig }: InspectedContainer): string | undefined {
  return HostConfig?.Annotations?.[shimGroupKey];
}
