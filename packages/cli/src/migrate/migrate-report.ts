import { apiAtLeast } from "@dockershim/pod-sandbox";
import type { MigratedFlag } from "./migrate-flags.js";

/** A container that would be taken over. */
export interface MigratedContainer {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  /** Where Kubernetes looks for its log; empty when it asked for none. */
  readonly log: string;
  /** `docker`: a symlink to Docker's own file, which stays; `missing`: there is nothing. */
  readonly logKind: "docker" | "file" | "missing" | "none";
}

/** A pod that would be taken over. */
export interface MigratedPod {
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly attempt: number;
  readonly state: string;
  /** Process of the pause container, which goes on; 0 when it has ended. */
  readonly pid: number;
  readonly hostNetwork: boolean;
  /** CNI's cached result, by which the network is taken down one day; empty when none was found. */
  readonly cniCache: string;
  readonly checkpoint: "intact" | "damaged" | "missing";
  readonly containers: readonly MigratedContainer[];
}

/** A sandbox that Docker no longer has, while cri-dockerd's checkpoint of it is left. */
export interface OrphanedCheckpoint {
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  readonly intact: boolean;
}

/** All that was found on the node. */
export interface MigrateFacts {
  readonly engine:
    | { readonly version: string; readonly apiVersion: string; readonly cgroupDriver: string }
    | undefined;
  /** Why there is no engine. */
  readonly engineProblem: string;
  readonly pods: readonly MigratedPod[];
  /** Containers whose sandbox is gone. */
  readonly strays: readonly MigratedContainer[];
  readonly orphans: readonly OrphanedCheckpoint[];
  /** Checkpoint files that cannot be read at all. */
  readonly unreadable: readonly { readonly file: string; readonly reason: string }[];
  /** The kubelet's cgroup driver; undefined where its configuration does not tell. */
  readonly kubeletCgroupDriver: string | undefined;
  readonly flags: readonly MigratedFlag[];
  /** The socket that dockershim would serve on, when something answers there. */
  readonly socketInUse: string | undefined;
  /** Process of a cri-dockerd that runs now. */
  readonly criDockerdPid: number | undefined;
}

/** What was found, and what follows from it. */
export interface MigrateReport extends MigrateFacts {
  /** What has to be put right first. */
  readonly problems: readonly string[];
  /** What should be known, but stops nothing. */
  readonly warnings: readonly string[];
}

/** The oldest API that dockershim speaks: Docker 20.10. */
const oldestApi = "1.41";

/** Judges what was found. */
export function judgeMigration(facts: MigrateFacts): MigrateReport {
  return { ...facts, problems: problemsOf(facts), warnings: warningsOf(facts) };
}

function problemsOf(facts: MigrateFacts): string[] {
  const { engine, kubeletCgroupDriver, socketInUse, criDockerdPid } = facts;
  const problems: string[] = [];
  if (engine === undefined) {
    problems.push(`the Docker engine does not answer: ${facts.engineProblem}`);
  } else {
    if (!apiAtLeast(engine.apiVersion, oldestApi)) {
      problems.push(
        `the engine (${engine.version}) speaks API ${engine.apiVersion}; dockershim needs ` +
          `${oldestApi}, which Docker has since 20.10`,
      );
    }
    if (kubeletCgroupDriver !== undefined && kubeletCgroupDriver !== engine.cgroupDriver) {
      problems.push(
        `the kubelet's cgroup driver is ${kubeletCgroupDriver}, the engine's is ${engine.cgroupDriver}`,
      );
    }
  }
  if (socketInUse !== undefined) {
    const who = criDockerdPid === undefined ? "a process" : `cri-dockerd (pid ${criDockerdPid})`;
    problems.push(`${who} serves on ${socketInUse}: stop it first, or choose another --listen`);
  }
  return problems;
}

function warningsOf({ pods, strays, orphans, unreadable, criDockerdPid }: MigrateFacts): string[] {
  const warnings: string[] = [];
  const label = (pod: MigratedPod) => `${pod.namespace}/${pod.name} (${pod.id.slice(0, 13)})`;
  for (const pod of pods) {
    if (pod.checkpoint === "damaged") {
      warnings.push(`the checkpoint of pod ${label(pod)} has a wrong checksum; it is not needed`);
    }
    if (pod.cniCache === "" && !pod.hostNetwork && pod.pid > 0) {
      warnings.push(
        `no CNI result of pod ${label(pod)} was found: its IP will be unknown, and its address ` +
          "is given back only if the CNI plugin knows it by the pod's id",
      );
    }
  }
  for (const { id, namespace, name, intact } of orphans) {
    const damage = intact ? "" : ", with a wrong checksum";
    warnings.push(
      `only a checkpoint is left of pod ${namespace}/${name} (${id.slice(0, 13)})${damage}: ` +
        "cri-dockerd lists it as not ready, dockershim does not list it",
    );
  }
  for (const { id, name } of strays) {
    warnings.push(`container ${name} (${id.slice(0, 13)}) has lost its sandbox`);
  }
  for (const { file, reason } of unreadable) warnings.push(`${file}: ${reason}`);
  if (criDockerdPid !== undefined) {
    warnings.push(`cri-dockerd runs (pid ${criDockerdPid}): stop it before dockershim starts`);
  }
  return warnings;
}
