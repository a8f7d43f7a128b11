import { runCommandLine } from "../lab/command-line.ts";
import { labConfig } from "../lab/config.ts";
import { parseFeatureGates } from "./feature-gates.ts";
import { down, up } from "./up-down.ts";

const usage = `usage: npm run cluster -- up | down

  up      bring up a one-node Kubernetes cluster on the daemon and a private Docker engine; the first time
          builds Kubernetes, which needs Go and a quarter of an hour
  down    take all of it away again

  LAB=name         a cluster of its own (default "cluster")
  DOCKER=20|26|28|29  the engine (default 20)
  FEATURE_GATES=A=true,B=false  features of Kubernetes that are on or off, other than by default
`;

async function main(verb: string | undefined): Promise<number> {
  const config = labConfig({ ...process.env, LAB: process.env.LAB || "cluster" });
  switch (verb) {
    case "up": {
      const featureGates = parseFeatureGates(process.env.FEATURE_GATES ?? "");
      const { lab, kubectl, kubeconfig } = await up(config, { featureGates });
      const line = `${kubectl} --kubeconfig ${kubeconfig}`;
      console.error(
        `cluster ${config.name}: up, on Docker ${lab.LAB_DOCKER_VERSION}; for example:`,
      );
      console.log(`${line} get pods -A`);
      console.log(`${line} run hello --image=${lab.LAB_IMAGE} -- sleep 3600`);
      return 0;
    }
    case "down":
      await down(config);
      console.error(`cluster ${config.name}: down`);
      return 0;
    case "--help":
    case "help":
      process.stdout.write(usage);
      return 0;
    default:
      process.stderr.write(usage);
      return 2;
  }
}

await runCommandLine("cluster", () => main(process.argv[2]));
