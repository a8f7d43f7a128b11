// A day on a cluster (test/workloads.day.test.ts) in the node of lab/node.
import { runCommandLine } from "../lab/command-line.ts";
import { labConfig } from "../lab/config.ts";
import { bringEtcd, bringPrograms, nodeWithCheckout, runInNode } from "./in-node.ts";
import { clusterPrograms } from "./programs.ts";

await runCommandLine("day", async () => {
  const config = labConfig();
  const remote = await nodeWithCheckout(config);
  await bringPrograms(config, remote, [...clusterPrograms, "agnhost"]);
  await bringEtcd(config, remote);
  // By emulation everything takes longer: see jest.patience.js.
  return runInNode(remote, ["node", "scripts/run-tests.ts", "day"]);
});
