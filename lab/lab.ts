#!/usr/bin/env node
import { runCommandLine } from "./command-line.ts";
import { labConfig } from "./config.ts";
import { labEnv } from "./env.ts";
import { fetchAll } from "./fetch.ts";
import { interruption } from "./interruption.ts";
import { quote } from "./quote.ts";
import { down, status, up } from "./up-down.ts";

const usage = `usage: node lab/lab.ts up | down | status | env | fetch

  up      bring up a private Docker engine, registry, test images and CNI config; quick when they are up
  down    take all of it away again
  status  say which parts run; exit code 1 when the lab is not up
  env     print the lab's addresses as shell exports: eval "$(node lab/lab.ts env)"
  fetch   fetch what the labs of all engines are made of, and start nothing

  LAB=name                      a lab of its own (default "default")
  DOCKER=20|26|28|29            the engine (default 20)
  LAB_STORE=graphdriver|containerd  where the engine keeps images (default graphdriver; 29: containerd)
  LAB_CGROUPS=cgroupfs|systemd  who makes the engine's cgroups (default as Docker: systemd with it and cgroup v2)
  LAB_LOOKALIKES=1              the engine gets CRI's conformance images under their public names
  LAB_DIR=folder                where labs live (default /var/tmp/dockershim-lab)
`;

async function main(verb: string | undefined): Promise<number> {
  if (verb === "--help" || verb === "help") {
    process.stdout.write(usage);
    return 0;
  }
  const config = labConfig();
  const title = `lab ${config.name}, Docker ${config.engine}`;
  switch (verb) {
    case "up": {
      const env = await up(config, interruption());
      console.error(`${title}: up at ${env.LAB_DOCKER_ENDPOINT}`);
      return 0;
    }
    case "fetch":
      await fetchAll(process.env, interruption());
      return 0;
    case "down":
      await down(config);
      console.error(`${title}: down`);
      return 0;
    case "status": {
      const { up: whole, ...parts } = await status(config);
      for (const [part, works] of Object.entries(parts)) {
        console.log(`${part.padEnd(10)}${works ? "up" : "down"}`);
      }
      console.log(`${"lab".padEnd(10)}${whole ? "up" : "down"}`);
      return whole ? 0 : 1;
    }
    case "env":
      for (const [name, value] of Object.entries(labEnv(config))) {
        console.log(`export ${name}=${quote(value)}`);
      }
      return 0;
    default:
      process.stderr.write(usage);
      return 2;
  }
}

await runCommandLine("lab", () => main(process.argv[2]));
