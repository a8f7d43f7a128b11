/**
 * What a plan must know of the engine and the node. The server gathers it once per connection
 * (Docker's `GET /info` and `GET /version`, and what its own process may do).
 */
export interface EngineFacts {
  /** Negotiated API version, e.g. `1.41`. */
  apiVersion: string;
  cgroupVersion: 1 | 2;
  cgroupDriver: "cgroupfs" | "systemd";
  /** Names of the engine's OCI runtimes. */
  runtimes: readonly string[];
  defaultRuntime: string;
  seccomp: boolean;
  apparmor: boolean;
  selinux: boolean;
  /** Docker's architecture name, e.g. `x86_64`. */
  arch: string;
  /** Lowest oom_score_adj the engine may set; −1000 where it is unrestricted. */
  minOomScoreAdj: number;
  /**
   * Whether the kernel (5.12) and the OCI runtime can make mounts recursively read-only. Where
   * it is left out, the API version (1.44) alone decides and Docker reports the rest.
   */
  recursiveReadOnly?: boolean;
  /** How OCI specs can be changed; left out where nobody looked. */
  specHook?: SpecHookFact;
  /** Whether pods can have user namespaces of their own; left out where nobody looked. */
  userNamespaces?: UserNamespaceFact;
}

/** How an engine can be had to run containers whose OCI spec we change, or why it cannot. */
export type SpecHookFact =
  | {
      /** `HostConfig.Runtime` of such a container. */
      readonly runtime: string;
      /** Newest version of the OCI runtime spec that the runtime behind it knows; left out where it does not tell. */
      readonly ociVersion?: string | undefined;
    }
  | {
      /** For people; completes “there is no spec hook: …”. */
      readonly problem: string;
    };

/** Whether pods can have user namespaces of their own, or why they cannot: for people, a phrase. */
export type UserNamespaceFact = { readonly possible: true } | { readonly problem: string };

/**
 * Compares versions of Docker's API or others, which are `major.minor` numbers and not decimals.
 *
 * @returns whether `version` is `wanted` or newer
 */
export function apiAtLeast(version: string, wanted: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split(".").map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
