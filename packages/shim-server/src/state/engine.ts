import { readFileSync } from "node:fs";
import type { DockerClient, EngineInfo, EngineVersion } from "@dockershim/docker-client";
import type { EngineFacts } from "@dockershim/pod-sandbox";
import type { ShimOptions } from "../options.js";
import { ShimError } from "../shim-error.js";
import { canMountRecursivelyReadOnly } from "./runtime-features.js";
import { specFacts } from "./spec-facts.js";

/** What the daemon knows of its engine, asked once per connection and after a reload of it. */
export interface Engine {
  /** What planning needs to know. Asks the engine on first use and after each connection. */
  facts(signal?: AbortSignal): Promise<EngineFacts>;
  info(signal?: AbortSignal): Promise<EngineInfo>;
  /** Asks the engine again, whose configuration may have changed under the connection. */
  refresh(): Promise<void>;
  /**
   * What was read when the connection was made, without asking.
   *
   * @throws ShimError `unavailable` before that.
   */
  known(): KnownEngine;
  /** Whether the engine is there, as far as its event stream tells. */
  readonly connected: boolean;
  /** Why it is not, for people. */
  readonly problem: string;
  markConnected(): void;
  markDisconnected(problem: string): void;
}

/** What an engine says of itself. */
export interface KnownEngine {
  readonly info: EngineInfo;
  readonly version: EngineVersion;
  readonly facts: EngineFacts;
}

export function createEngine(
  docker: Pick<DockerClient, "info" | "version" | "apiVersion">,
  options: Pick<ShimOptions, "restrictOomScoreAdj" | "dockerEndpoint">,
): Engine {
  let known: Promise<KnownEngine> | undefined;
  let last: KnownEngine | undefined;
  let problem = "no contact with the engine yet";
  let connected = false;

  async function ask(): Promise<KnownEngine> {
    // Shared by all callers, so no single caller's signal may end it.
    const [info, version, apiVersion] = await Promise.all([
      docker.info(),
      docker.version(),
      docker.apiVersion(),
    ]);
    last = { info, version, facts: engineFacts(info, version, apiVersion, options) };
    return last;
  }

  async function get(signal: AbortSignal | undefined): Promise<KnownEngine> {
    signal?.throwIfAborted();
    if (known === undefined) {
      const asking = ask();
      known = asking;
      asking.catch(() => {
        if (known === asking) known = undefined;
      });
    }
    return await known;
  }

  return {
    facts: async (signal) => (await get(signal)).facts,
    info: async (signal) => (await get(signal)).info,
    async refresh() {
      known = undefined;
      await get(undefined);
    },
    known() {
      if (last === undefined) {
        throw new ShimError("unavailable", `Docker Engine is out of reach: ${problem}`);
      }
      return last;
    },
    get connected() {
      return connected;
    },
    get problem() {
      return problem;
    },
    markConnected() {
      connected = true;
      problem = "";
      // The engine may have come back as another version or with another configuration.
      known = undefined;
    },
    markDisconnected(reason) {
      connected = false;
      problem = reason;
    },
  };
}

function engineFacts(
  info: EngineInfo,
  version: EngineVersion,
  apiVersion: string,
  options: Pick<ShimOptions, "restrictOomScoreAdj" | "dockerEndpoint">,
): EngineFacts {
  const recursiveReadOnly = canMountRecursivelyReadOnly(info, "");
  const security = (info.SecurityOptions ?? []).map((option) => option.split(",")[0]);
  return {
    apiVersion,
    cgroupVersion: info.CgroupVersion === "2" ? 2 : 1,
    cgroupDriver: info.CgroupDriver === "systemd" ? "systemd" : "cgroupfs",
    runtimes: Object.keys(info.Runtimes ?? {}),
    defaultRuntime: info.DefaultRuntime,
    seccomp: security.includes("name=seccomp"),
    apparmor: security.includes("name=apparmor"),
    selinux: security.includes("name=selinux"),
    arch: version.Arch,
    minOomScoreAdj: minOomScoreAdj(options.restrictOomScoreAdj),
    ...specFacts(info, apiVersion, options.dockerEndpoint),
    ...(recursiveReadOnly === undefined ? {} : { recursiveReadOnly }),
  };
}

const capSysResource = 1n << 24n;

/**
 * The lowest oom_score_adj that containers may be given.
 *
 * Lowering it takes CAP_SYS_RESOURCE (proc_pid_oom_score_adj(5)). An engine nested in a container
 * often lacks it, and then every container with a negative value fails to start. The daemon runs
 * beside its engine, so its own capabilities are the best hint there is.
 */
function minOomScoreAdj(restrict: ShimOptions["restrictOomScoreAdj"]): number {
  if (restrict === "false") return -1000;
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"));
  const capabilities = BigInt(`0x${effective?.[1] ?? "0"}`);
  if (restrict === "auto" && (capabilities & capSysResource) !== 0n) return -1000;
  return Number(readFileSync("/proc/self/oom_score_adj", "utf8"));
}
