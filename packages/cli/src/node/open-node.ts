import { existsSync } from "node:fs";
import { join } from "node:path";
import { type CriClient, createCriClient } from "@dockershim/cri-client";
import { createDockerClient, type DockerClient } from "@dockershim/docker-client";
import type { ShimOptions } from "@dockershim/shim-server/options";
import { messageOf } from "../cli-error.js";
import { chooseOptions, withAnswered } from "./choose-options.js";
import { type KubeletFacts, readKubelet } from "./read-kubelet.js";
import { type RuntimeAnswer, readRuntime } from "./read-runtime.js";

/** Which node is meant. */
export interface NodeChoice {
  /** The node's files are below it; empty for the node itself. */
  readonly root: string;
  /** $PATH */
  readonly path: string;
  readonly configFile: string | undefined;
  /** The CRI socket, where another than the daemon's own is meant. */
  readonly endpoint: string | undefined;
}

/** A node, and who answers on it. */
export interface OpenNode {
  readonly root: string;
  readonly path: string;
  readonly options: ShimOptions;
  readonly runtime: RuntimeAnswer;
  readonly kubelet: KubeletFacts;
  /** undefined where nobody serves CRI. */
  readonly client: CriClient | undefined;
  /** undefined where another runtime serves, or the engine does not answer. */
  readonly docker: DockerClient | undefined;
  /** Why there is no engine. */
  readonly dockerProblem: string;
  close(): Promise<void>;
}

/** Finds out who answers on a node, with the options of the daemon that runs, or would. */
export async function openNode(choice: NodeChoice): Promise<OpenNode> {
  const { root, path } = choice;
  const chosen = await chooseOptions({}, choice.configFile, (file) => existsSync(join(root, file)));
  const endpoint = choice.endpoint ?? chosen.options.listen;
  const { answer: runtime, options: answered } = await readRuntime(endpoint);
  const { options } = withAnswered(chosen, answered);
  const client =
    runtime.kind === "none" ? undefined : createCriClient({ endpoint, timeoutMs: 60_000 });
  const kubelet = await readKubelet({ root, path, procDir: join(root, "/proc") }, undefined);
  let docker: DockerClient | undefined;
  let dockerProblem = `${runtime.about} serves on ${endpoint}`;
  if (runtime.kind !== "other") {
    docker = createDockerClient({ endpoint: options.dockerEndpoint, requestTimeoutMs: 60_000 });
    const [problem] = await docker.apiVersion().then(
      () => [],
      (error: unknown) => [messageOf(error)],
    );
    if (problem !== undefined) {
      dockerProblem = problem;
      await docker.close();
      docker = undefined;
    }
  }
  return {
    ...{ root, path, options, runtime, kubelet, client, docker, dockerProblem },
    async close() {
      client?.close();
      await docker?.close();
    },
  };
}

/** The daemon's own cache of CNI results. */
export function cniCacheOf({ root, options }: Pick<OpenNode, "root" | "options">): string {
  return join(
    root,
    options.cniCacheDir === "" ? join(options.rootDir, "cni") : options.cniCacheDir,
  );
}
