import type { EngineInfo } from "@dockershim/docker-client";

const featuresKey = "org.opencontainers.runtime-spec.features";

/** Of what an OCI runtime says of itself what counts here. */
interface RuntimeFeatures {
  readonly ociVersionMax?: unknown;
  readonly mountOptions?: unknown;
  readonly linux?: {
    readonly mountExtensions?: { readonly idmap?: { readonly enabled?: unknown } };
  };
}

type RuntimesInfo = Pick<EngineInfo, "Runtimes" | "DefaultRuntime">;

/**
 * Whether an OCI runtime can make mounts recursively read-only, by its own list of features
 * (the OCI runtime spec's `features`, which engines since 25 report).
 *
 * @param handler Name of the runtime; empty for the engine's default.
 * @returns Undefined where the engine or the runtime does not tell.
 */
export function canMountRecursivelyReadOnly(
  info: RuntimesInfo,
  handler: string,
): boolean | undefined {
  const { mountOptions } = featuresOf(info, handler);
  return Array.isArray(mountOptions) ? mountOptions.includes("rro") : undefined;
}

/** Whether an OCI runtime can map the ids of mounts, likewise. */
export function canMapMountIds(info: RuntimesInfo, handler: string): boolean | undefined {
  const enabled = featuresOf(info, handler).linux?.mountExtensions?.idmap?.enabled;
  return typeof enabled === "boolean" ? enabled : undefined;
}

/** The newest version of the OCI runtime spec that an OCI runtime knows, likewise. */
export function knownOciVersion(info: RuntimesInfo, handler: string): string | undefined {
  const { ociVersionMax } = featuresOf(info, handler);
  return typeof ociVersionMax === "string" ? ociVersionMax : undefined;
}

function featuresOf(info: RuntimesInfo, handler: string): RuntimeFeatures {
  const name = handler === "" || handler === "docker" ? info.DefaultRuntime : handler;
  const text = info.Runtimes?.[name]?.status?.[featuresKey];
  if (text === undefined) return {};
  try {
    return JSON.parse(text) as RuntimeFeatures;
  } catch {
    return {};
  }
}
