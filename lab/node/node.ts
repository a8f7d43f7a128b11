import { runCommandLine } from "../command-line.ts";
import { labConfig } from "../config.ts";
import { interruption } from "../interruption.ts";
import { LabError } from "../lab-error.ts";
import { copyPath } from "./copy.ts";
import { accelerationOf, down, nodeRemote, up } from "./machine.ts";
import { inCheckout, runThere, shellLine } from "./remote.ts";

const usage = `usage: npm run node -- up | run COMMAND [ARGUMENT ...] | shell | copy PATH FOLDER | down

  up     bring up a Debian machine with systemd, cgroup v2, AppArmor, Docker and this checkout; when it is up, copy
         the checkout to it again
  run    run a command in the node's checkout; one word is a line of its shell
  shell  a shell in the node's checkout
  copy   copy a file or folder of this machine into a folder of the node's
  down   end it and throw away its disk

  LAB=name                a node of its own (default "default")
  LAB_DIR=folder          where nodes live (default /var/tmp/dockershim-lab)
  NODE_ACCEL=uml|tcg|kvm  a kernel that is a program (default); emulation, for a firewall; or the
                          processor's virtual machines
`;

async function main([verb, ...words]: readonly string[]): Promise<number> {
  const config = labConfig();
  const title = `node ${config.name}`;
  switch (verb) {
    case "up":
      await up(config, accelerationOf(process.env), interruption());
      console.error(`${title}: up`);
      return 0;
    case "run":
      if (words.length === 0) throw new LabError("usage", "run what?");
      return runThere(nodeRemote(config), `${inCheckout} && { ${shellLine(words)}\n}`);
    case "shell":
      return runThere(nodeRemote(config), `${inCheckout} && exec bash -l`, true);
    case "copy": {
      const [path, folder] = words;
      if (path === undefined || folder === undefined) {
        throw new LabError("usage", "copy what, and where to?");
      }
      await copyPath(nodeRemote(config), path, folder);
      return 0;
    }
    case "down":
      await down(config);
      console.error(`${title}: down`);
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

await runCommandLine("node", () => main(process.argv.slice(2)));
