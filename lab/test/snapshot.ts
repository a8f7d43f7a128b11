import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "../command.ts";
import type { LabConfig } from "../config.ts";
import { engineCgroup } from "../engine.ts";
import { identify } from "../process-id.ts";

/** All that a lab may leave on a machine, as sorted lines that two snapshots can be compared by. */
export interface Snapshot {
  readonly links: readonly string[];
  readonly firewall: readonly string[];
  readonly mounts: readonly string[];
  readonly processes: readonly string[];
  readonly folders: readonly string[];
  readonly cgroups: readonly string[];
  readonly settings: readonly string[];
}

const lines = (text: string): string[] => text.split("\n").filter(Boolean);

function processes(): string[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .filter((entry) => identify(Number(entry)) !== undefined)
    .map((entry) => readFileSync(`/proc/${entry}/cmdline`, "utf8").replaceAll("\0", " "));
}

async function firewall(): Promise<string[]> {
  const saved = await Promise.all([command("iptables-save", []), command("ip6tables-save", [])]);
  // Counters and comments differ from call to call, and an empty table means no more than none.
  return saved
    .flatMap(lines)
    .filter((line) => line.startsWith("-A") || (line.startsWith(":") && line.includes(" - ")));
}

/** Mount points with their kind and propagation. */
function mounts(): string[] {
  return lines(readFileSync("/proc/self/mountinfo", "utf8")).map((line) => {
    const fields = line.split(" ");
    const kind = fields[fields.indexOf("-") + 1];
    return `${fields[4]} ${kind} ${line.includes(" shared:") ? "shared" : "private"}`;
  });
}

function below(folder: string): string[] {
  return readdirSync(folder, { recursive: true }).map((entry) => join(folder, String(entry)));
}

function cgroups(name: string): string[] {
  const top = "/sys/fs/cgroup";
  const below = readdirSync(top, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const folders = [top, ...below.map((hierarchy) => join(top, hierarchy.name))];
  return folders.flatMap((folder) => readdirSync(folder)).filter((entry) => entry === name);
}

/** Looks at the machine (in a test: at the namespaces it runs in). */
export async function takeSnapshot(config: LabConfig): Promise<Snapshot> {
  return {
    links: lines(await command("ip", ["-o", "link"])).map((line) => line.split(" ")[1] ?? ""),
    firewall: (await firewall()).sort(),
    mounts: mounts().sort(),
    processes: processes().sort(),
    folders: [
      ...["/run", "/opt", "/etc/docker"].flatMap(below),
      ...readdirSync(config.root).filter((entry) => entry !== ".cache"),
    ].sort(),
    cgroups: cgroups(engineCgroup(config)),
    settings: [readFileSync("/proc/sys/net/ipv4/ip_forward", "utf8").trim()],
  };
}
