import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const execFileAsync = promisify(execFile);

/** Where Debian's containernetworking-plugins are. */
const pluginDir = process.env.CNI_BIN_DIR ?? "/usr/lib/cni";

/**
 * A network namespace that plays the host, so that bridges, links and firewall
 * rules of a test touch neither the machine nor other tests, and all go with it.
 */
export interface NetworkLab {
  /** Plugins that run inside of the playing host. */
  readonly binDir: string;
  readonly cacheDir: string;
  /** Where host-local keeps its addresses. */
  readonly ipamDir: string;
  /** Makes a pod's namespace and returns its path. */
  addPod(name: string): Promise<string>;
  removePod(name: string): Promise<void>;
  /** Runs a command on the playing host. */
  onHost(...command: string[]): Promise<string>;
  /** Runs a command in a pod's namespace. */
  inPod(name: string, ...command: string[]): Promise<string>;
  /** Installs a script as a plugin beside the real ones. */
  installScript(type: string, text: string): Promise<void>;
  /** What pods leave behind when they leak. */
  remains(): Promise<Remains>;
  remove(): Promise<void>;
}

export interface Remains {
  readonly addresses: string[];
  readonly links: string[];
  readonly rules: string[];
  readonly cacheFiles: string[];
}

/** @param source directory of the real plugins */
export async function createNetworkLab(source: string = pluginDir): Promise<NetworkLab> {
  const id = randomBytes(3).toString("hex");
  const host = `cnit-${id}`;
  const root = await mkdtemp(join(tmpdir(), "cni-lab-"));
  const [binDir, cacheDir, ipamDir] = ["bin", "cache", "ipam"].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ];
  await run("ip", "netns", "add", host);
  await run("ip", "-n", host, "link", "set", "lo", "up");
  await mkdir(binDir);
  const pods = new Set<string>();
  const netnsOf = (name: string) => `${host}-${name}`;

  const installScript = async (type: string, text: string) => {
    await writeFile(join(binDir, type), text);
    await chmod(join(binDir, type), 0o755);
  };
  for (const type of await readdir(source)) {
    await installScript(type, `#!/bin/sh\nexec ip netns exec ${host} ${source}/${type}\n`);
  }
  const onHost = (...command: string[]) => run("ip", "netns", "exec", host, ...command);

  return {
    binDir,
    cacheDir,
    ipamDir,
    onHost,
    installScript,
    addPod: async (name) => {
      await run("ip", "netns", "add", netnsOf(name));
      pods.add(name);
      return `/run/netns/${netnsOf(name)}`;
    },
    removePod: async (name) => {
      pods.delete(name);
      await run("ip", "netns", "del", netnsOf(name));
    },
    inPod: (name, ...command) => run("ip", "netns", "exec", netnsOf(name), ...command),
    remains: async () => ({
      addresses: await allocatedAddresses(ipamDir),
      links: (await onHost("ip", "-br", "link"))
        .split("\n")
        .map((line) => line.split(/[ @]/, 1)[0] ?? "")
        .filter((name) => /^(?:veth|bwp|mac)/.test(name)),
      // Chains and jumps that plugins make once for all pods are no leak.
      rules: (await onHost("iptables-save"))
        .concat(await onHost("ip6tables-save"))
        .split("\n")
        .filter((line) => /id: |-[sd] \d|-[sd] fd|^:CNI-(?:DN-)?[0-9a-f]{20}/.test(line)),
      cacheFiles: await readdir(join(cacheDir, "results")).catch(() => []),
    }),
    remove: async () => {
      for (const name of pods) await run("ip", "netns", "del", netnsOf(name));
      await run("ip", "netns", "del", host);
      await rm(root, { recursive: true, force: true });
    },
  };
}

export const nothing: Remains = { addresses: [], links: [], rules: [], cacheFiles: [] };

async function allocatedAddresses(ipamDir: string): Promise<string[]> {
  const found: string[] = [];
  for (const network of await readdir(ipamDir).catch(() => [])) {
    const names = await readdir(join(ipamDir, network));
    found.push(...names.filter((name) => !/^(?:lock|last_reserved_ip)/.test(name)));
  }
  return found;
}

async function run(...[command = "", ...args]: string[]): Promise<string> {
  const { stdout } = await execFileAsync(command, args, { maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}
