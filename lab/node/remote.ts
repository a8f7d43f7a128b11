import { spawn } from "node:child_process";
import { toolPath } from "../command.ts";
import { LabError } from "../lab-error.ts";
import { quote } from "../quote.ts";

/** Where the node has the checkout. */
export const thereDir = "/root/dockershim";

/** Where the node's labs have their cache. */
export const thereCache = "/var/tmp/dockershim-lab/.cache";

/** What goes before a command: the checkout, and the PATH on which its programs are. */
export const inCheckout = `cd ${thereDir} && export PATH="${thereDir}/node_modules/.bin:$PATH"`;

/** How a node's SSH is reached, and by which keys both know each other. */
export interface Remote {
  /** The command whose standard streams are a connection to it. */
  readonly reach: readonly string[];
  readonly key: string;
  /** The known_hosts file with the node's own key, under {@link hostName}. */
  readonly knownHosts: string;
}

/** The name under which a node is known to ssh, which no resolver is asked for. */
export const hostName = "node";

/** Arguments of ssh for a command of the node's shell; nobody's own configuration counts. */
export function sshArguments(
  { reach, key, knownHosts }: Remote,
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
    ProxyCommand: reach.map(quote).join(" ").replaceAll("%", "%%"),
  };
  const set = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  return ["-F", "/dev/null", ...set, "-i", key, `root@${hostName}`, ...shell];
}

/** One word is a line of the shell's, several are a command and its arguments. */
export function shellLine(words: readonly string[]): string {
  return words.length === 1 ? (words[0] ?? "") : words.map(quote).join(" ");
}

/** Whether an SSH server says its name at the other end of that connection. */
export function greets([program = "", ...args]: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ["pipe", "pipe", "ignore"],
      env: { ...process.env, PATH: toolPath },
      signal: AbortSignal.timeout(5000),
    });
    // The emulator accepts what the node does not: only a word from inside tells.
    child.stdout.once("data", (data) => {
      resolve(data.toString("latin1").startsWith("SSH-"));
      child.stdin.destroy();
      child.stdout.destroy();
      child.kill();
    });
    child.once("error", () => resolve(false));
    child.once("close", () => resolve(false));
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
