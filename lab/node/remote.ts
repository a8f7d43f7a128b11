import { spawn } from "node:child_process";
import { connect } from "node:net";
import { toolPath } from "../command.ts";
import { LabError } from "../lab-error.ts";
import { quote } from "../quote.ts";

/** Where the node has the checkout. */
export const thereDir = "/root/dockershim";

/** Where the node's labs have their cache. */
export const thereCache = "/var/tmp/dockershim-lab/.cache";

/** What goes before a command: the checkout, and the PATH on which its programs are. */
export const inCheckout = `cd ${thereDir} && export PATH="${thereDir}/node_modules/.bin:$PATH"`;

/** Where a node's SSH answers, and by which keys both know each other. */
export interface Remote {
  readonly port: number;
  readonly key: string;
  /** The known_hosts file with the node's own key. */
  readonly knownHosts: string;
}

/** Arguments of ssh for a command of the node's shell; nobody's own configuration counts. */
export function sshArguments(
  { port, key, knownHosts }: Remote,
  shell: readonly string[],
): string[] {
  const options = {
    BatchMode: "yes",
    IdentitiesOnly: "yes",
    UserKnownHostsFile: knownHosts,
    GlobalKnownHostsFile: "/dev/null",
    StrictHostKeyChecking: "yes",
    LogLevel: "ERROR",
    ConnectTimeout: "60",
    ServerAliveInterval: "30",
    ServerAliveCountMax: "20",
  };
  const set = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  return ["-F", "/dev/null", ...set, "-i", key, "-p", String(port), "root@127.0.0.1", ...shell];
}

/** One word is a line of the shell's, several are a command and its arguments. */
export function shellLine(words: readonly string[]): string {
  return words.length === 1 ? (words[0] ?? "") : words.map(quote).join(" ");
}

/** Whether an SSH server says its name there. */
export function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    // The emulator accepts what the node does not: only a word from inside tells.
    const socket = connect(port, "127.0.0.1");
    const answer = (greeted: boolean) => {
      socket.destroy();
      resolve(greeted);
    };
    socket.setTimeout(5000, () => answer(false));
    socket.once("data", (data) => answer(data.toString("latin1").startsWith("SSH-")));
    socket.once("error", () => answer(false));
    socket.once("close", () => resolve(false));
  });
}

/** Runs a line of the node's shell on our own terminal and resolves with its exit code. */
export function runThere(remote: Remote, line: string, terminal = false): Promise<number> {
  const flags = terminal ? ["-t"] : [];
  const child = spawn("ssh", [...flags, ...sshArguments(remote, line === "" ? [] : [line])], {
    stdio: "inherit",
    env: { ...process.env, PATH: toolPath },
  });
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(new LabError("host", `ssh: ${error.message}`)));
    child.once("close", (code) => resolve(code ?? 128));
  });
}
