import { basename, dirname, join } from "node:path";
import type { LabConfig } from "../lab/config.ts";
import { interruption } from "../lab/interruption.ts";
import { copyOnce } from "../lab/node/copy.ts";
import { accelerationOf, nodeRemote, up } from "../lab/node/machine.ts";
import { inCheckout, type Remote, runThere, thereCache } from "../lab/node/remote.ts";
import { quote } from "../lab/quote.ts";
import { etcdProgram, type KubernetesProgram, kubernetesPrograms } from "./programs.ts";

/**
 * Brings up the node (lab/node/README.md) with this checkout in it, as it was built.
 *
 * @throws LabError
 */
export async function nodeWithCheckout(config: LabConfig): Promise<Remote> {
  await up(config, accelerationOf(process.env), interruption());
  return nodeRemote(config);
}

/** Builds programs of Kubernetes here, for the node has no Go, and copies them where its labs find them. */
export async function bringPrograms(
  config: LabConfig,
  remote: Remote,
  wanted: readonly KubernetesProgram[],
): Promise<void> {
  for (const program of Object.values(await kubernetesPrograms(config, wanted))) {
    const folder = dirname(program);
    await copyOnce(remote, folder, join(thereCache, basename(dirname(folder))));
  }
}

/** Copies etcd where the node's labs find it. */
export async function bringEtcd(config: LabConfig, remote: Remote): Promise<void> {
  await etcdProgram(config);
  await copyOnce(remote, join(config.cacheDir, "etcd"), thereCache);
}

/** What a lab's and a suite's commands take from the environment, here as in the node. */
const passedOn: readonly string[] = ["FEATURE_GATES", "LAB_CGROUPS", "LAB_STORE"];

/**
 * Runs a command in the node's checkout, on Docker 28 unless `DOCKER` says otherwise and with what else chooses a lab,
 * and resolves with its exit code.
 */
export function runInNode(remote: Remote, words: readonly string[]): Promise<number> {
  const chosen = passedOn.flatMap((name) => {
    const value = process.env[name];
    return value ? [`${name}=${value}`] : [];
  });
  const env = [`DOCKER=${process.env.DOCKER || "28"}`, ...chosen];
  return runThere(remote, `${inCheckout} && env ${[...env, ...words].map(quote).join(" ")}`);
}
