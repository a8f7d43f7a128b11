// Tests on a cluster in the node of lab/node: those that scripts/run-tests.ts has under the name that is given.
import { dirname } from "node:path";
import { runCommandLine } from "../lab/command-line.ts";
import { labConfig } from "../lab/config.ts";
import { copyOnce } from "../lab/node/copy.ts";
import { thereCache } from "../lab/node/remote.ts";
import { bringEtcd, bringPrograms, nodeWithCheckout, runInNode } from "./in-node.ts";
import { clusterPrograms, draDriverProgram } from "./programs.ts";

const [name = ""] = process.argv.slice(2);

await runCommandLine(name, async () => {
  const config = labConfig();
  const remote = await nodeWithCheckout(config);
  await bringPrograms(config, remote, [...clusterPrograms, "agnhost"]);
  await bringEtcd(config, remote);
  await copyOnce(remote, dirname(await draDriverProgram(config)), thereCache);
  // By emulation everything takes longer: see jest.patience.js.
  return runInNode(remote, ["node", "scripts/run-tests.ts", name]);
});
