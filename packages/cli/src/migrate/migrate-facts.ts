import { lstat, readdir, readFile } from "node:fs/promises";
import { connect } from "node:net";
import { basename, join } from "node:path";
import { type ContainerInspect, createDockerClient } from "@dockershim/docker-client";
import {
  INSTANCE_LABEL,
  LOG_PATH_LABEL,
  parseContainerName,
  parseSandboxName,
  SANDBOX_ID_LABEL,
  TYPE_LABEL,
  TYPE_SANDBOX,
} from "@dockershim/pod-sandbox";
import { parse } from "yaml";
import { messageOf } from "../cli-error.js";
import { type CheckpointFiles, readCheckpoints } from "../cri-dockerd/cri-dockerd-checkpoints.js";
import { findProcess, type RunningProcess } from "../machine/node-processes.js";
import { inspectPods } from "./inspect-pods.js";
import { migrateFlags } from "./migrate-flags.js";
import type { MigratedContainer, MigratedPod, MigrateFacts } from "./migrate-report.js";

/** Where to look. */
export interface MigratePlaces {
  readonly dockerEndpoint: string;
  readonly criDockerdRoot: string;
  readonly cniCacheDirs: readonly string[];
  readonly kubeletConfig: string;
  /** The socket that dockershim is to serve on, as `unix:///path`. */
  readonly listen: string;
  /** Where processes are told of; `/proc`. */
  readonly procDir: string;
}

/**
 * Looks at the node. Nothing is changed.
 *
 * @param daemon The cri-dockerd that runs, if it is known already.
 */
export async function gatherMigrateFacts(
  places: MigratePlaces,
  daemon?: RunningProcess,
): Promise<MigrateFacts> {
  const docker = createDockerClient({ endpoint: places.dockerEndpoint });
  const checkpoints = await readCheckpoints(join(places.criDockerdRoot, "sandbox"));
  const cniFiles = await listCniResults(places.cniCacheDirs);
  const { pid, args = [] } = daemon ?? (await findProcess(places.procDir, "cri-dockerd")) ?? {};
  const common = {
    unreadable: checkpoints.unreadable,
    kubeletCgroupDriver: await kubeletCgroupDriver(places.kubeletConfig),
    flags: migrateFlags(args),
    criDockerdPid: pid,
    socketInUse: (await answers(places.listen)) ? places.listen : undefined,
  };
  const none = { engine: undefined, pods: [], strays: [], orphans: [] };
  try {
    const [info, apiVersion] = await Promise.all([docker.info(), docker.apiVersion()]);
    const { ServerVersion: version, CgroupDriver: cgroupDriver } = info;
    const inspected = await inspectPods(docker);
    const pods = await readPods(inspected, checkpoints, cniFiles);
    const present = new Set(inspected.map(({ Id }) => Id));
    const foreign = inspected.filter(({ Config }) => !isOwn(Config.Labels));
    const strays = foreign.filter(
      ({ Config }) =>
        Config.Labels?.[TYPE_LABEL] !== TYPE_SANDBOX &&
        !present.has(Config.Labels?.[SANDBOX_ID_LABEL] ?? ""),
    );
    return {
      ...common,
      engine: { version, apiVersion, cgroupDriver },
      engineProblem: "",
      pods,
      strays: await Promise.all(strays.map(toContainer)),
      orphans: [...checkpoints.found]
        .filter(([id]) => !present.has(id))
        .map(([id, { name, namespace, intact }]) => ({ id, name, namespace, intact })),
    };
  } catch (err) {
    return { ...common, ...none, engineProblem: messageOf(err) };
  } finally {
    await docker.close();
  }
}

function isOwn(labels: Readonly<Record<string, string>> | null | undefined): boolean {
  return labels?.[INSTANCE_LABEL] !== undefined;
}

async function readPods(
  inspected: readonly ContainerInspect[],
  checkpoints: CheckpointFiles,
  cniFiles: readonly string[],
): Promise<MigratedPod[]> {
  const sandboxes = inspected.filter(
    ({ Config }) => Config.Labels?.[TYPE_LABEL] === TYPE_SANDBOX && !isOwn(Config.Labels),
  );
  return await Promise.all(
    sandboxes.map(async (sandbox) => {
      const { Id: id, State: state } = sandbox;
      const meta = parseSandboxName(sandbox.Name);
      const checkpoint = checkpoints.found.get(id);
      const containers = inspected.filter((each) => each.Config.Labels?.[SANDBOX_ID_LABEL] === id);
      return {
        id,
        namespace: meta?.namespace ?? "",
        name: meta?.name ?? sandbox.Name.replace(/^\//, ""),
        uid: meta?.uid ?? "",
        attempt: meta?.attempt ?? 0,
        state: state.Status,
        pid: state.Pid,
        hostNetwork: sandbox.HostConfig.NetworkMode === "host",
        cniCache: cniFiles.find((file) => basename(file).includes(id)) ?? "",
        checkpoint: checkpoint === undefined ? "missing" : checkpoint.intact ? "intact" : "damaged",
        containers: await Promise.all(containers.map(toContainer)),
      };
    }),
  );
}

async function toContainer(inspect: ContainerInspect): Promise<MigratedContainer> {
  const log = inspect.Config.Labels?.[LOG_PATH_LABEL] ?? "";
  const file = log === "" ? undefined : await lstat(log).catch(() => undefined);
  return {
    id: inspect.Id,
    name: parseContainerName(inspect.Name)?.container.name ?? inspect.Name.replace(/^\//, ""),
    state: inspect.State.Status,
    log,
    logKind:
      log === ""
        ? "none"
        : file === undefined
          ? "missing"
          : file.isSymbolicLink()
            ? "docker"
            : "file",
  };
}

/** libcni keeps results in a folder of this name below its cache directory. */
async function listCniResults(dirs: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    dirs.map(async (dir) => {
      const results = join(dir, "results");
      const names = await readdir(results).catch(() => []);
      return names.map((name) => join(results, name));
    }),
  );
  return found.flat();
}

async function kubeletCgroupDriver(file: string): Promise<string | undefined> {
  try {
    const config: unknown = parse(await readFile(file, "utf8"));
    const driver = (config as { cgroupDriver?: unknown } | null)?.cgroupDriver;
    return typeof driver === "string" ? driver : undefined;
  } catch {
    return undefined;
  }
}

/** Whether somebody takes connections on a socket. */
export async function answers(endpoint: string): Promise<boolean> {
  const probe = connect(endpoint.replace(/^unix:\/\//, ""));
  try {
    return await new Promise((resolve) => {
      probe.once("connect", () => resolve(true));
      probe.once("error", () => resolve(false));
    });
  } finally {
    probe.destroy();
  }
}
