import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { bringPrograms, nodeWithCheckout, runInNode } from "../e2e/in-node.ts";
import { nodeSuitePrograms } from "../e2e/programs.ts";
import { labConfig } from "../lab/config.ts";
import { copyOnce, fetchFolder } from "../lab/node/copy.ts";
import { thereDir } from "../lab/node/remote.ts";
import { buildCriTools } from "./cri-tools.ts";

/** A run of ours in the node. */
export interface NodeRun {
  /** Whether the judge is Kubernetes' node suite. */
  readonly kubelet: boolean;
  /** This command's own, without the one that says where. */
  readonly args: readonly string[];
  /** The folder of this machine that gets the reports, in a folder `vm`. */
  readonly results: string;
}

async function fetchNowAndThen(
  fetchReports: () => Promise<void>,
  ended: AbortSignal,
): Promise<void> {
  while (await delay(60_000, true, { signal: ended }).catch(() => false)) {
    // A node with much to do may let one go; the next comes in a minute.
    await fetchReports().catch(() => undefined);
  }
}

/** Runs conformance in the node, with the judge's programs built here, and resolves with its exit code. */
export async function conformanceInNode({ kubelet, args, results }: NodeRun): Promise<number> {
  const config = labConfig();
  const remote = await nodeWithCheckout(config);
  if (kubelet) {
    await bringPrograms(config, remote, nodeSuitePrograms);
  } else {
    const { critest } = await buildCriTools(process.env.CRI_TOOLS_SOURCE || undefined);
    await copyOnce(remote, dirname(critest), "/root/.cache/dockershim");
  }
  // The node's checkout is replaced by the next `up`, so its reports come here: what there is of them meanwhile, too.
  const fetchReports = (): Promise<void> =>
    fetchFolder(remote, join(thereDir, "conformance/results"), join(results, "vm"));
  const ended = new AbortController();
  const meanwhile = fetchNowAndThen(fetchReports, ended.signal);
  try {
    return await runInNode(remote, ["node", "conformance/main.ts", ...args]);
  } finally {
    ended.abort();
    await meanwhile;
    await fetchReports();
  }
}
