import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { engines, labConfig } from "../config.ts";
import type { LabEnv } from "../env.ts";
import { findGo } from "../go-programs.ts";
import type { LabStatus } from "../up-down.ts";
import type { Snapshot } from "./snapshot.ts";

interface Outcome {
  readonly before: Snapshot;
  readonly after: Snapshot;
  // biome-ignore lint/suspicious/noExplicitAny: each scenario reports what it needs to.
  readonly seen: any;
}

/** A folder for the test's labs alone. */
let labDir: string;

beforeEach(() => {
  labDir = mkdtempSync("/var/tmp/dslab-");
});

/** Gives the test's labs a cache of their own, with entries of what has been fetched for others. */
function shareCache(...entries: readonly string[]): void {
  const shared = labConfig().cacheDir;
  const cache = join(labDir, ".cache");
  mkdirSync(cache);
  for (const entry of entries) {
    if (existsSync(join(shared, entry))) symlinkSync(join(shared, entry), join(cache, entry));
  }
}

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
    // A second pass reaches what stood hidden below a mount of the first, as `ip netns` leaves it.
    "for pass in 1 2 3; do",
    "awk '$2 ~ \"^/(var/tmp|var/lib|tmp|run)/\" { print $2 }' /proc/mounts | sort -r | { xargs -r -n1 umount -lq || true; }",
    "done",
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

/** Docker 29 is built from source, for which a machine may lack Go. */
const withGo = (await findGo()) !== undefined;

describe.each(engines.filter((engine) => engine !== "29" || withGo))(
  "a lab with Docker %s",
  (engine) => {
    beforeEach(() => shareCache("docker26", "docker28", "go", "busybox"));

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
  },
);

describe("a lab", () => {
  beforeEach(() => shareCache("docker20", "busybox"));

  it("recovers from a killed engine and a stale pid file, and keeps its images and addresses", async () => {
    const { before, after, seen } = await runScenario("recovers", "20");
    expect(seen.refused).toContain("is not up");
    expect(seen.second).toEqual(seen.first);
    expect(seen.sameImage).toBe(true);
    expect(seen.running).toBe(1);
    expect(after).toEqual(before);
  });

  it("ends nobody who has got the number of a containerd that was killed", async () => {
    const { before, after, seen } = await runScenario("renumbered", "20");
    expect(seen).toEqual({ engine: true, lives: true });
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

describe("a lab that fails on its way up", () => {
  beforeEach(() => shareCache("docker20", "busybox"));

  const nothing = { engine: false, registry: false, bridge: false, up: false };

  it("leaves nothing of what it had started when its engine fails", async () => {
    const { before, after, seen } = await runScenario("engineless", "20");
    expect(seen.error).toMatch(/dockerd ended at once.*points to a file/s);
    expect(seen.afterwards).toEqual(nothing);
    expect(after).toEqual(before);
  });

  it("leaves nothing of what it had started when an image cannot be made", async () => {
    const { before, after, seen } = await runScenario("imageless", "20");
    expect(seen.error).toBe("Debian's package busybox has no busybox");
    expect(seen.afterwards).toEqual(nothing);
    expect(after).toEqual(before);
  });

  it("leaves nothing of what it had started when it is told to end", async () => {
    const { before, after, seen } = await runScenario("interrupted", "20");
    expect(seen.code).toBe(1);
    expect(seen.said).toContain("interrupted by SIGTERM");
    expect(after).toEqual(before);
  });
});

describe("two labs that come up at once with nothing fetched", () => {
  const names = [`fresh-${process.pid}-a`, `fresh-${process.pid}-b`];

  const lab = async (name: string, verb: string) => {
    const env = { ...process.env, LAB_DIR: labDir, LAB: name, LAB_STORE: "", DOCKER: "20" };
    const child = spawn(process.execPath, [join(import.meta.dirname, "../lab.ts"), verb], {
      env,
      stdio: ["ignore", "ignore", "pipe"],
    });
    const ended = once(child, "close");
    const said = await text(child.stderr);
    return { code: (await ended)[0], said };
  };

  afterEach(() => Promise.all(names.map((name) => lab(name, "down"))));

  it("fetch it once, and both are whole", async () => {
    const ups = await Promise.all(names.map((name) => lab(name, "up")));
    const said = ups.map((up) => up.said).join("");
    expect([said, ups.map(({ code }) => code)]).toEqual([expect.any(String), [0, 0]]);
    expect(said.match(/^lab: fetching busybox .*: done/gm)).toHaveLength(1);
    const whole = await Promise.all(names.map((name) => lab(name, "status")));
    expect(whole.map(({ code }) => code)).toEqual([0, 0]);
    expect(readdirSync(join(labDir, ".cache"))).not.toContain("busybox.part");
  });
});
