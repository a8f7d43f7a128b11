import { CriClientError, createCriClient } from "@dockershim/cri-client";
import type { ShimOptions } from "@dockershim/shim-server/options";
import { readInfo } from "../runtime/verbose-info.js";

/** Who answers CRI at the endpoint that was asked. */
export type RuntimeKind = "dockershim" | "cri-dockerd" | "other" | "none";

/** The runtime, as it answers. */
export interface RuntimeAnswer {
  readonly kind: RuntimeKind;
  readonly endpoint: string;
  /** Name and version; why nobody answers where it is `none`. */
  readonly about: string;
  readonly conditions: readonly {
    readonly type: string;
    readonly status: boolean;
    readonly reason: string;
    readonly message: string;
  }[];
  /** What the engine does not let the daemon read; undefined where the runtime does not tell. */
  readonly unread:
    | {
        readonly containers: number;
        readonly images: number;
        /** Of the first of them. */
        readonly names: readonly string[];
      }
    | undefined;
}

/** Who answers, and the options of a dockershim. */
export interface FoundRuntime {
  readonly answer: RuntimeAnswer;
  readonly options: Partial<ShimOptions> | undefined;
}

/** Asks whoever serves CRI at an endpoint who it is and how it is. */
export async function readRuntime(endpoint: string): Promise<FoundRuntime> {
  const client = createCriClient({ endpoint, timeoutMs: 10_000 });
  try {
    const status = await client.runtime.status({ verbose: true });
    // A daemon whose engine is away tells a status and no version.
    const version = await client.runtime.version({}).catch(() => undefined);
    const { info } = readInfo(status.info) as { info?: OwnInfo };
    const isOwn = typeof info === "object" && info?.instance !== undefined;
    const kind: RuntimeKind = isOwn
      ? "dockershim"
      : version?.runtimeName === "docker"
        ? "cri-dockerd"
        : "other";
    const name = isOwn ? `dockershim ${info.version}` : kindName(kind, version?.runtimeName);
    const engine = version === undefined ? "" : ` ${version.runtimeVersion}`;
    return {
      answer: {
        kind,
        endpoint,
        about: isOwn ? name : `${name}${engine}`,
        conditions: status.status?.conditions ?? [],
        unread: isOwn ? info.unread : undefined,
      },
      options: isOwn ? info.options : undefined,
    };
  } catch (error) {
    if (!(error instanceof CriClientError)) throw error;
    const { message: about } = error;
    return {
      answer: { kind: "none", endpoint, about, conditions: [], unread: undefined },
      options: undefined,
    };
  } finally {
    client.close();
  }
}

/** What a dockershim tells with a verbose status. */
interface OwnInfo {
  readonly instance?: string;
  readonly version?: string;
  readonly options?: Partial<ShimOptions>;
  readonly unread?: RuntimeAnswer["unread"];
}

function kindName(kind: RuntimeKind, told: string | undefined): string {
  return kind === "cri-dockerd" ? "cri-dockerd with Docker" : (told ?? "a runtime");
}
