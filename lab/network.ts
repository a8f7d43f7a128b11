import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command, tryCommand } from "./command.ts";
import type { LabConfig } from "./config.ts";

/** The network of one slot. */
export interface LabNetwork {
  /** Also the name of the CNI network. */
  readonly bridge: string;
  readonly subnet: string;
}

export function labNetwork(slot: number): LabNetwork {
  return { bridge: `dslab${slot}`, subnet: `10.213.${slot}.0/24` };
}

/** Whether our network namespace has that interface; /sys may show another namespace's. */
export function hasInterface(name: string): boolean {
  return readFileSync("/proc/self/net/dev", "utf8")
    .split("\n")
    .some((line) => line.trimStart().startsWith(`${name}:`));
}

/** The firewall rules that let pods of the bridge talk to each other and to the host's other networks. */
function forwardRules({ bridge }: LabNetwork): string[][] {
  const comment = ["-m", "comment", "--comment", `dockershim-lab ${bridge}`];
  return [
    ["FORWARD", "-i", bridge, ...comment, "-j", "ACCEPT"],
    ["FORWARD", "-o", bridge, ...comment, "-j", "ACCEPT"],
  ];
}

/**
 * Whether the kernel translates addresses, which a host port needs; tried in a network of its own. The commands may
 * say yes to everything where it does not: a chain that was made must be there. Where they are not installed yet it
 * counts as yes.
 */
export async function translatesAddresses(): Promise<boolean> {
  const script = "iptables -t nat -N probe && iptables -t nat -S probe";
  const { code, stdout } = await tryCommand("unshare", ["--net", "sh", "-c", script]);
  return code === 127 || stdout.includes("-N probe");
}

/** Brings up the bridge and its firewall rules; what is there already stays. */
export async function upNetwork(network: LabNetwork): Promise<void> {
  if (!hasInterface(network.bridge)) {
    await command("ip", ["link", "add", network.bridge, "type", "bridge"]);
  }
  await command("ip", ["link", "set", network.bridge, "up"]);
  for (const rule of forwardRules(network)) {
    const { code } = await tryCommand("iptables", ["-w", "120", "-C", ...rule]);
    if (code !== 0) await command("iptables", ["-w", "120", "-I", ...rule]);
  }
}

/** Writes the CNI network list: bridge with host-local addresses, and port mappings. */
export function writeCniConfig(
  config: Pick<LabConfig, "cniConfDir" | "cniIpamDir">,
  { bridge, subnet }: LabNetwork,
): void {
  mkdirSync(config.cniConfDir, { recursive: true });
  const list = {
    cniVersion: "1.0.0",
    name: bridge,
    plugins: [
      {
        type: "bridge",
        bridge,
        isGateway: true,
        // Nothing in the lab needs to reach the outside, so no masquerading is set up per pod.
        ipMasq: false,
        hairpinMode: true,
        ipam: {
          type: "host-local",
          ranges: [[{ subnet }]],
          routes: [{ dst: "0.0.0.0/0" }],
          dataDir: config.cniIpamDir,
        },
      },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  };
  writeFileSync(
    join(config.cniConfDir, "10-lab.conflist"),
    `${JSON.stringify(list, undefined, 2)}\n`,
  );
}

/** Rules of a table, written as iptables-save does: `-A CHAIN …`. */
async function rulesOf(table: string): Promise<string[]> {
  const saved = await tryCommand("iptables-save", ["-t", table]);
  return saved.stdout.split("\n").filter((line) => line.startsWith("-A "));
}

async function restore(table: string, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  const input = [`*${table}`, ...lines, "COMMIT", ""].join("\n");
  await command("iptables-restore", ["--noflush", "-w", "120"], { input });
}

const toDelete = (rule: string): string => rule.replace(/^-A /, "-D ");

/**
 * Removes the bridge, the pods' interfaces that hang on it, our firewall rules, and the port mappings of pods
 * that were never taken down properly: portmap names the network in the comment of each rule.
 */
export async function downNetwork({ bridge }: LabNetwork): Promise<void> {
  const ports = await tryCommand("ip", ["-o", "link", "show", "master", bridge]);
  for (const [, port] of ports.stdout.matchAll(/^\d+: ([^:@]+)/gm)) {
    // The other end of a veth pair goes with it; the pair may also have gone meanwhile.
    if (port !== undefined) await tryCommand("ip", ["link", "delete", port]);
  }
  if (hasInterface(bridge)) await command("ip", ["link", "delete", bridge]);

  const filter = await rulesOf("filter");
  await restore(
    "filter",
    filter.filter((rule) => rule.includes(`"dockershim-lab ${bridge}"`)).map(toDelete),
  );

  const nat = (await rulesOf("nat")).filter((rule) => rule.includes(`name: \\"${bridge}\\" `));
  const chains = nat.flatMap((rule) => rule.match(/-j (CNI-(?!HOSTPORT-)\S+)/)?.[1] ?? []);
  await restore("nat", [
    ...nat.map(toDelete),
    ...chains.map((chain) => `-F ${chain}`),
    ...chains.map((chain) => `-X ${chain}`),
  ]);
}

/** Removes the chains that the portmap plugin makes once for all networks, unless one still uses them. */
export async function removeSharedPortmapChains(): Promise<void> {
  const { stdout } = await tryCommand("iptables-save", ["-t", "nat"]);
  const chains = [...stdout.matchAll(/^:(CNI-HOSTPORT-\S+)/gm)].map(([, chain]) => chain ?? "");
  const rules = await rulesOf("nat");
  if (rules.some((rule) => rule.startsWith("-A CNI-HOSTPORT-DNAT "))) return;
  const jumps = rules.filter(
    (rule) =>
      !rule.startsWith("-A CNI-HOSTPORT-") && chains.some((chain) => rule.includes(` -j ${chain}`)),
  );
  await restore("nat", [
    ...jumps.map(toDelete),
    ...chains.map((chain) => `-F ${chain}`),
    ...chains.map((chain) => `-X ${chain}`),
  ]);
}
