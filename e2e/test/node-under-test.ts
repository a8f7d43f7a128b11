import { rmSync } from "node:fs";
import { createCriClient } from "@dockershim/cri-client";
import { until as untilAt } from "@dockershim/testing";
import { type LabEnv, labEnv } from "../../lab/env.ts";
import { clearNode, createNode, endNode, type Node, type NodeOptions } from "../node.ts";

/** What a test file's node is made of. */
export interface Ground {
  readonly lab: LabEnv;
  readonly folder: string;
  /** Makes the node, or once more with other options; what it runs stays. */
  node(
    options: Pick<NodeOptions, "featureGates" | "longestRestartPause" | "daemonConfig">,
  ): Promise<Node>;
  /** Ends the node and removes its pods and its folder. */
  clear(node: Node): Promise<void>;
}

/** @throws when the variables that e2e/README.md names are not set */
export function testGround(): Ground {
  const lab = labEnv();
  const { KUBELET: kubelet, NODE_FOLDER: folder } = process.env;
  if (kubelet === undefined || folder === undefined) {
    throw new Error("KUBELET and NODE_FOLDER are not set; see e2e/README.md");
  }
  return {
    lab,
    folder,
    node: (options) => createNode({ lab, folder, kubelet, ...options }),
    async clear(node) {
      await node.end("kubelet");
      const cri = createCriClient({ endpoint: node.endpoint });
      const { items } = await cri.runtime.listPodSandbox({});
      await Promise.all(items.map(({ id }) => cri.runtime.removePodSandbox({ podSandboxId: id })));
      cri.close();
      await endNode(folder);
      await clearNode(folder);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A kubelet is asked over HTTPS, and has other things to do. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  await untilAt(condition, { everyMs: 100, deadlineMs: 100_000 });
}
