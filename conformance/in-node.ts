import { dirname, join } from "node:path";
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
  const code = await runInNode(remote, ["node", "conformance/main.ts", ...args]);
  // The node's checkout is replaced by the next `up`, so its reports come here.
  await fetchFolder(remote, join(thereDir, "conformance/results"), join(results, "vm"));
  return code;
}
