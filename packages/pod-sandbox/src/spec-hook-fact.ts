import { apiAtLeast, type SpecHookFact } from "./engine-facts.js";

/** What decides it. */
export interface SpecHookEvidence {
  /** Negotiated API version. */
  readonly apiVersion: string;
  /** `Runtimes` of `GET /info`: by name, with the program that stands in for runc. */
  readonly runtimes: Readonly<Record<string, { readonly path?: string | undefined }>>;
  /** Whether there is such a program; asked about a runtime's path. */
  readonly canRun: (path: string) => boolean;
  /** `DefaultRuntime` of `GET /info`. */
  readonly defaultRuntime: string;
  readonly cgroupDriver: "cgroupfs" | "systemd";
  /** Name of the runtime that needs no entry in daemon.json. */
  readonly shimRuntime: string;
  /** Whether containerd finds the program of that runtime. */
  readonly shimFound: boolean;
  /** Name of the program that a runtime in daemon.json would have as its path. */
  readonly wrapper: string;
}

/**
 * Says by which runtime the spec hook comes into play.
 *
 * A runtime in daemon.json whose program is the hook always serves. Without one the hook can be a shim of containerd's,
 * where Docker passes on a shim's name that it does not know (23, API 1.42) and has nothing to tell the shim besides:
 * that is so with cgroupfs, but systemd's driver is an option, which Docker gives to runtimes of its own list only.
 */
export function findSpecHook(evidence: SpecHookEvidence): SpecHookFact {
  const { runtimes, defaultRuntime, wrapper } = evidence;
  const entries = Object.entries(runtimes);
  // An engine also names runtimes of which the program has gone, or that its configuration does not have any more.
  const found = entries.find(
    ([, { path }]) => path?.endsWith(`/${wrapper}`) && evidence.canRun(path),
  );
  if (found !== undefined) return { runtime: found[0] };
  const entry = `a runtime in daemon.json whose path is ${wrapper}`;
  if (!apiAtLeast(evidence.apiVersion, "1.42")) {
    return { problem: `it needs Docker 23 (API 1.42), or ${entry}` };
  }
  if (defaultRuntime !== "runc") {
    return { problem: `the engine's default runtime is ${defaultRuntime}; it needs ${entry}` };
  }
  if (evidence.cgroupDriver === "systemd") {
    return { problem: `with systemd's cgroup driver it needs ${entry}` };
  }
  if (!evidence.shimFound) {
    return {
      problem: `containerd finds no containerd-shim-dockershim-v2 on its PATH; install it, or ${entry}`,
    };
  }
  return { runtime: evidence.shimRuntime };
}
