import { DockerError } from "./errors.js";

/** A range of API versions. */
export interface ApiVersionRange {
  min: string;
  max: string;
}

/** Less than, equal to or greater than 0, like a comparator; versions are `major.minor`. */
export function compareApiVersions(a: string, b: string): number {
  const [aMajor = 0, aMinor = 0] = a.split(".").map(Number);
  const [bMajor = 0, bMinor = 0] = b.split(".").map(Number);
  return aMajor - bMajor || aMinor - bMinor;
}

/** Whether it reads `major.minor`. */
export function isApiVersion(value: unknown): value is string {
  return typeof value === "string" && /^\d{1,4}\.\d{1,4}$/.test(value);
}

/**
 * The highest version that both sides speak. Throws a `DockerError` with `unsupported_api` that
 * names both ranges when they don't overlap.
 */
export function chooseApiVersion(
  client: ApiVersionRange,
  engine: ApiVersionRange & { release: string },
): string {
  const version = compareApiVersions(engine.max, client.max) < 0 ? engine.max : client.max;
  if (
    compareApiVersions(version, client.min) >= 0 &&
    compareApiVersions(version, engine.min) >= 0
  ) {
    return version;
  }
  const tooOld = compareApiVersions(engine.max, client.min) < 0;
  throw new DockerError({
    code: "unsupported_api",
    operation: "apiVersion",
    engineMessage:
      `Docker engine ${engine.release} is too ${tooOld ? "old" : "new"}: it speaks API ` +
      `${engine.min} to ${engine.max}, but ${client.min} to ${client.max} is needed`,
  });
}

/** A version that was negotiated, and with an engine of which highest one. */
export interface NegotiatedVersion {
  readonly version: string;
  readonly engineMax: string;
}

/** Keeps the negotiated version. */
export interface ApiVersionNegotiator {
  /** The version to speak; asks the engine if it isn't known. */
  current(): Promise<NegotiatedVersion>;
  /**
   * Takes note of the `Api-Version` header that the engine puts on every reply. If it is not the
   * one that was negotiated with, the engine was replaced: the next `current()` asks again.
   *
   * @param spoken What the request was sent in; others may have found out since that it is over.
   * @returns Whether another engine answered than the one that `spoken` was negotiated with.
   */
  observe(engineMax: string | undefined, spoken: NegotiatedVersion | undefined): boolean;
}

/** Makes a negotiator; `ask` fetches the engine's range from `GET /version`. */
export function createApiVersionNegotiator(
  client: ApiVersionRange,
  ask: () => Promise<ApiVersionRange & { release: string }>,
  onNegotiated: (version: string, release: string) => void,
): ApiVersionNegotiator {
  let known: NegotiatedVersion | undefined;
  let asked: Promise<NegotiatedVersion> | undefined;

  async function negotiate(): Promise<NegotiatedVersion> {
    const engine = await ask();
    const version = chooseApiVersion(client, engine);
    known = { version, engineMax: engine.max };
    onNegotiated(version, engine.release);
    return known;
  }

  return {
    current() {
      if (asked === undefined) {
        const attempt = negotiate();
        asked = attempt;
        // A failure is not kept, or the client would never see the engine come up.
        attempt.catch(() => {
          if (asked === attempt) asked = undefined;
        });
      }
      return asked;
    },
    observe(seen, spoken) {
      if (!isApiVersion(seen)) return false;
      if (known !== undefined && seen !== known.engineMax) {
        known = undefined;
        asked = undefined;
      }
      return spoken !== undefined && seen !== spoken.engineMax;
    },
  };
}
