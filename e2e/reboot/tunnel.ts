import { spawn } from "node:child_process";
import { once } from "node:events";
import { toolPath } from "../../lab/command.ts";
import { LabError } from "../../lab/lab-error.ts";
import { type Remote, sshArguments } from "../../lab/node/remote.ts";

/** A port of this machine's loopback that a node reaches on its own. */
export interface Tunnel {
  close(): void;
}

/** Leads the node's port to this machine's for as long as its SSH answers. */
export async function openTunnel(remote: Remote, port: number): Promise<Tunnel> {
  const forward = ["-o", "ExitOnForwardFailure=yes", "-R", `127.0.0.1:${port}:127.0.0.1:${port}`];
  // It says that the port is led before it runs anything.
  const child = spawn(
    "ssh",
    [...forward, ...sshArguments(remote, ["echo open; exec sleep infinity"])],
    {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, PATH: toolPath },
    },
  );
  const ended = once(child, "close").then(([code]) => {
    throw new LabError("host", `the tunnel to the node ended with ${code}`);
  });
  await Promise.race([once(child.stdout, "data"), ended]);
  ended.catch(() => undefined);
  return { close: () => child.kill() };
}
