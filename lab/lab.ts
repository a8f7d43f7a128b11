#!/usr/bin/env node
import { labConfig } from "./config.ts";
import { labEnv } from "./env.ts";
import { LabError } from "./lab-error.ts";
import { down, status, up } from "./up-down.ts";

const usage = `usage: node lab/lab.ts up | down | status | env

  up      bring up a private Docker engine, registry, test images and CNI config; quick when they are up
  down    take all of it away again
  status  say which parts run; exit code 1 when the lab is not up
  env     print the lab's addresses as shell exports: eval "$(node lab/lab.ts env)"

  LAB=name                      a lab of its own (default "default")
  DOCKER=20|26|28               the engine (default 20)
  LAB_STORE=graphdriver|containerd  where the engine keeps images (default graphdriver)
  LAB_LOOKALIKES=1              the engine gets CRI's conformance images under their public names
  LAB_DIR=folder                where labs live (default /var/tmp/dockershim-lab)
`;

/** Quotes a value for a POSIX shell. */
function quote(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`;
}

async function main(verb: string | undefined): Promise<number> {
  if (verb === "--help" || verb === "help") {
    process.stdout.write(usage);
    return 0;
  }
  const config = labConfig();
  const title = `lab ${config.name}, Docker ${config.engine}`;
  switch (verb) {
    case "up": {
      const env = await up(config);
      console.error(`${title}: up at ${env.LAB_DOCKER_ENDPOINT}`);
      return 0;
    }
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

try {
  process.exitCode = await main(process.argv[2]);
} catch (error) {
  if (!(error instanceof LabError)) throw error;
  console.error(`lab: ${error.message}`);
  process.exitCode = error.code === "usage" ? 2 : 1;
}
