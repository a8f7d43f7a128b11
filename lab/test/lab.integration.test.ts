import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { labConfig } from "../config.ts";
import type { LabEnv } from "../env.ts";
import type { LabStatus } from "../up-down.ts";
import type { Snapshot } from "./snapshot.ts";

interface Outcome {
  readonly before: Snapshot;
  readonly after: Snapshot;
  // biome-ignore lint/suspicious/noExplicitAny: each scenario reports what it needs to.
  readonly seen: any;
}

/** A folder for the test's labs alone; the downloads are those that other labs have fetched. */
let labDir: string;

beforeEach(() => {
  labDir = mkdtempSync("/var/tmp/dslab-");
  mkdirSync(labConfig().cacheDir, { recursive: true });
  symlinkSync(labConfig().cacheDir, join(labDir, ".cache"));
});

afterEach(() => {
  rmSync(labDir, { recursive: true, force: true });
});

/**
 * Runs a scenario in namespaces of its own (processes, network, mounts, with an empty /run), so that all
 * that is left afterwards is the lab's, whatever else happens on the machine.
 */
async function runScenario(name: string, engine: string): Promise<Outcome> {
  const isolate = ["--net", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-ec"];
  const script = [
    // Mounts of other engines come and go; here they are taken out of sight.
    "awk '$2 ~ \"^/(var/tmp|var/lib|tmp|run)/\" { print $2 }' /proc/mounts | sort -r | { xargs -r -n1 umount -lq || true; }",
    "for dir in /run /opt /etc/docker; do mount -t tmpfs lab $dir; done",
    'exec "$@"',
  ].join("\n");
  const program = [process.execPath, join(import.meta.dirname, "scenarios.ts"), name];
  const child = spawn("unshare", [...isolate, script, "sh", ...program], {
    env: { ...process.env, LAB_DIR: labDir, LAB: name, LAB_STORE: "", DOCKER: engine },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "close");
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await ended;
  if (code !== 0) throw new Error(`scenario ${name} ended with ${code}: ${stderr}`);
  return JSON.parse(stdout);
}

describe.each(["20", "26", "28"])("a lab with Docker %s", (engine) => {
  it("comes up whole and leaves nothing behind, even of what its user forgot", async () => {
    const { before, after, seen } = await runScenario("orderly", engine);
    expect(seen.whole).toEqual({ engine: true, registry: true, bridge: true, up: true });
    expect(seen.pinged).toBe(0);
    const used: Snapshot = seen.used;
    expect(used.firewall.join()).toContain("--dport 21499");
    expect(used.links.some((link) => link.startsWith("veth"))).toBe(true);
    expect(used.links.some((link) => link.startsWith("br-"))).toBe(true);
    expect(used.cgroups).not.toEqual([]);
    expect(used.settings).toEqual(["1"]);
    expect(seen.afterwards.up).toBe(false);
    expect(after).toEqual(before);
  });

  it("is taken down without a trace after its daemons were killed", async () => {
    const { before, after, seen } = await runScenario("killed", engine);
    expect(seen.broken).toEqual({ engine: false, registry: false, bridge: true, up: false });
    const used: Snapshot = seen.used;
    expect(used.processes.some((line) => line.startsWith("sleep 1000"))).toBe(true);
    expect(used.mounts.some((line) => line.includes("overlay"))).toBe(true);
    expect(after).toEqual(before);
  });
});

describe("a lab", () => {
  it("recovers from a killed engine and a stale pid file, and keeps its images and addresses", async () => {
    const { before, after, seen } = await runScenario("recovers", "20");
    expect(seen.refused).toContain("is not up");
    expect(seen.second).toEqual(seen.first);
    expect(seen.sameImage).toBe(true);
    expect(seen.running).toBe(1);
    expect(after).toEqual(before);
  });

  it("lets concurrent runs take turns, and stands beside another lab", async () => {
    const { before, after, seen } = await runScenario("together", "20");
    expect(seen.codes).toEqual([0, 0, 0, 0]);
    expect(seen.engines).toBe(2);
    const [one, other]: LabEnv[] = seen.envs;
    const own = (env: LabEnv | undefined) => [
      env?.LAB_DOCKER_ENDPOINT,
      env?.LAB_REGISTRY,
      env?.LAB_AUTH_REGISTRY,
      env?.LAB_BRIDGE,
      env?.LAB_SUBNET,
    ];
    expect(new Set([...own(one), ...own(other)]).size).toBe(10);
    const otherStatus: LabStatus = seen.otherStatus;
    expect(otherStatus.up).toBe(true);
    expect(seen.settings).toEqual(["1"]);
    expect(after).toEqual(before);
  });

  it("is taken down quietly when it never was up", async () => {
    const { before, after } = await runScenario("nothing", "20");
    expect(after).toEqual(before);
  });
});
