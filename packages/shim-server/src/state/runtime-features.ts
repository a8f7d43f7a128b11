import type { EngineInfo } from "@dockershim/docker-client";

const featuresKey = "org.opencontainers.runtime-spec.features";

/**
 * Whether an OCI runtime can make mounts recursively read-only, by its own list of features
 * (the OCI runtime spec's `features`, which engines since 25 report).
 *
 * @param handler Name of the runtime; empty for the engine's default.
 * @returns Undefined where the engine or the runtime does not tell.
 */
export function canMountRecursivelyReadOnly(
  info: Pick<EngineInfo, "Runtimes" | "DefaultRuntime">,
  handler: string,
): boolean | undefined {
  const name = handler === "" || handler === "docker" ? info.DefaultRuntime : handler;
  const text = info.Runtimes?.[name]?.status?.[featuresKey];
  if (text === undefined) return undefined;
  try {
    const { mountOptions } = JSON.parse(text) as { mountOptions?: unknown };
    return Array.isArray(mountOptions) ? mountOptions.includes("rro") : undefined;
  } catch {
    return undefined;
  }
}
