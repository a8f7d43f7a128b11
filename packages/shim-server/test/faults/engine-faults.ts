import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { type CriClient, createCriClient } from "@dockershim/cri-client";
import { createDockerClient, type DockerClient, isDockerError } from "@dockershim/docker-client";
import { type Daemon, labFlags, labVariable, seeded, startDaemon } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { labConfig } from "../../../../lab/config.ts";
import { down, up } from "../../../../lab/up-down.ts";
import { readLabNetwork } from "../node-remains.js";
import { createEngineDeeds, type Deed, type EngineDeeds } from "./engine-deeds.js";
import {
  type Fault,
  type FaultProxy,
  lies,
  startFaultProxy,
  truthfulFaults,
} from "./fault-proxy.js";
import {
  expectTold,
  type Kubelet,
  leadPod,
  type Pod,
  patienceMs,
  persist,
  runPod,
} from "./pod-life.js";
import { engineRemains, openFiles, readShims } from "./remains.js";

/** How much is tried. */
export interface EngineFaultRuns {
  readonly cycles: number;
  readonly seed: number;
  /** What is done to the engine in a cycle. */
  readonly deedOf: (cycle: number) => Deed | undefined;
}

/** A pod's life takes a few requests more. */
const requestsOfALife = 24;
const lateMs = 300;
/** How long what nobody asked for may stay, in ms. */
const settleMs = 60_000 * Number(process.env.TEST_PATIENCE || 1);

/**
 * Leads pods through their lives, one after the other, while requests to the engine meet faults and
 * the engine itself is stopped, killed and exchanged. A reply may be an error, but never untrue;
 * and when a pod has been removed nothing of it may be left. Another pod lives through all of it.
 *
 * Everything follows from the seed but for how requests of the daemon's own mix with those of calls.
 */
export function testEngineFaults({ cycles, seed, deedOf }: EngineFaultRuns): void {
  // An engine of its own: the others would not survive its end.
  const config = labConfig({ ...process.env, LAB: `${process.env.LAB ?? "test"}-faults` });
  const outside = { ...process.env };
  const dir = mkdtempSync(join(tmpdir(), "faults-"));
  const root = join(dir, "root");
  const run = `faults-${process.pid}`;
  const wrong: string[] = [];
  const figures: Record<string, number> = {};
  let cycle = 0;
  let docker: DockerClient;
  let proxy: FaultProxy;
  let deeds: EngineDeeds;
  let daemon: Daemon;
  let cri: CriClient;
  let witness: Pod;
  /** What is done to the engine in this cycle. */
  let doing: Promise<void> | undefined;
  let ended = false;

  const kubelet: Kubelet = {
    get cri() {
      return cri;
    },
    get docker() {
      return docker;
    },
    dir,
    run,
    circumstances: () => ({ ended, denied: proxy.met.some(({ fault }) => fault === "missing") }),
    onWrong: (what) =>
      wrong.push(`seed ${seed}, cycle ${cycle}, after ${JSON.stringify(proxy.met)}: ${what}`),
  };

  beforeAll(async () => {
    Object.assign(process.env, await up(config));
    docker = createDockerClient({ endpoint: labVariable("LAB_DOCKER_ENDPOINT") });
    proxy = await startFaultProxy(config.dockerSocket, join(dir, "docker.sock"), lateMs);
    deeds = createEngineDeeds(config);
    daemon = await startDaemon({
      listen: `unix://${join(dir, "shim.sock")}`,
      flags: {
        ...labFlags({
          LAB_DOCKER_ENDPOINT: proxy.endpoint,
          LAB_CNI_CONF_DIR: labVariable("LAB_CNI_CONF_DIR"),
          LAB_CNI_BIN_DIR: labVariable("LAB_CNI_BIN_DIR"),
        }),
        "root-dir": root,
        "log-level": "fatal",
      },
    });
    const timeouts = { timeoutMs: patienceMs, operationTimeoutMs: patienceMs };
    cri = createCriClient({ endpoint: daemon.endpoint, ...timeouts });
    witness = await runPod(kubelet, "witness");
  });
  afterAll(async () => {
    cri.close();
    await daemon.stop();
    await proxy.close();
    await docker.close();
    await down(config);
    Object.assign(process.env, outside);
    rmSync(dir, { recursive: true, force: true });
  });

  /** Which requests of a life meet what. */
  function plansOf(random: () => number): Map<number, Fault | (() => void)> {
    const kinds = random() < 0.6 ? truthfulFaults : lies;
    const plans = new Map<number, Fault | (() => void)>();
    for (let left = 1 + Math.floor(random() * 3); left > 0; left--) {
      const kind = kinds[Math.floor(random() * kinds.length)] as Fault;
      plans.set(Math.floor(random() * requestsOfALife), kind);
    }
    const deed = deedOf(cycle);
    const at = Math.floor(random() * requestsOfALife);
    const how = random();
    if (deed !== undefined) plans.set(at, () => act(deed, how));
    return plans;
  }

  function act(deed: Deed, how: number): void {
    count(deed);
    if (deed !== "frozen") ended = true;
    doing = deeds.run(deed, how);
    // Awaited when the pod's life is over.
    doing.catch(() => undefined);
  }

  function count(what: string): void {
    figures[what] = (figures[what] ?? 0) + 1;
  }

  async function removePod(podSandboxId: string): Promise<void> {
    await persist(kubelet, "StopPodSandbox", () => cri.runtime.stopPodSandbox({ podSandboxId }));
    await persist(kubelet, "RemovePodSandbox", () =>
      cri.runtime.removePodSandbox({ podSandboxId }),
    );
  }

  /** What a kubelet does with all that it finds listed and did not ask for. */
  async function removeOthers(): Promise<void> {
    const { items } = await persist(kubelet, "ListPodSandbox", () =>
      cri.runtime.listPodSandbox({}),
    );
    for (const { id } of items) if (id !== witness.podSandboxId) await removePod(id);
    const { containers } = await persist(kubelet, "ListContainers", () =>
      cri.runtime.listContainers({}),
    );
    for (const { id: containerId } of containers) {
      if (containerId === witness.containerId) continue;
      await persist(kubelet, "RemoveContainer", () => cri.runtime.removeContainer({ containerId }));
    }
  }

  async function remains(): Promise<object> {
    const daemonOf = { root, pid: daemon.pid, run };
    const found = await engineRemains(config, docker, readLabNetwork(), daemonOf);
    const files = found.files.map((file) => file.replaceAll(/[\da-f]{64}/g, "ID"));
    return { ...found, files: files.sort() };
  }

  /** What is left when all that is listed has been removed, and the daemon has had its time. */
  async function remainsAtLast(clean: object): Promise<object> {
    const end = performance.now() + settleMs;
    for (;;) {
      await removeOthers();
      const left = await remains();
      if (isDeepStrictEqual(left, clean) || performance.now() > end) return left;
      await delay(50);
    }
  }

  const stateOf = (id: string): Promise<string> =>
    docker.containers.inspect(id).then(
      ({ State }) => JSON.stringify(State),
      (err) => (isDockerError(err, "not_found") ? "gone" : String(err)),
    );

  async function liveOnce(random: () => number): Promise<void> {
    doing = undefined;
    ended = false;
    proxy.plan(plansOf(random));
    const whole = await leadPod(kubelet, `pod-${cycle}`, random() < 0.2);
    if (!whole) count("cut short");
    const { met } = proxy;
    for (const { fault } of met) count(fault);
    const lied = met.some(({ fault }) => (lies as readonly string[]).includes(fault));
    proxy.plan(new Map());
    await doing;
    // What the daemon was lied to about it learns when it reads everything; its audit would do that too.
    if (lied) proxy.cutEvents();
    if (ended) {
      await removePod(witness.podSandboxId);
      witness = await runPod({ ...kubelet, circumstances: quiet }, `witness-${cycle}`);
    }
  }

  /** Where something was left, or has gone: nobody can look once the lab is down. */
  async function describeCycle(): Promise<string> {
    const { podSandboxId, containerId } = witness;
    const shims = readShims(config);
    const log = readFileSync(join(config.stateDir, "dockerd.log"), "utf8").split("\n");
    return JSON.stringify(
      {
        ...{ seed, cycle, figures, engine: deeds.version, met: proxy.met },
        witness: { podSandboxId, containerId },
        states: await Promise.all([podSandboxId, containerId].map(stateOf)),
        shims,
        log: log.filter((line) => shims.some(({ container }) => line.includes(container))),
        last: log.slice(-20),
      },
      undefined,
      1,
    );
  }

  const quiet = () => ({ ended: false, denied: false });
  const memoryMb = (): number => {
    const status = readFileSync(`/proc/${daemon.pid}/status`, "utf8");
    return Math.round(Number(/^VmRSS:\s*(\d+)/m.exec(status)?.[1]) / 1024);
  };

  test(
    `${cycles} lives of pods of seed ${seed} on an engine at fault have no untrue reply, and leave nothing`,
    async () => {
      // The first has made what stays: the bridge, and the pause image.
      await leadPod(kubelet, "first", true);
      const clean = await remains();
      const random = seeded(seed);
      const begin = { rss: 0, open: 0 };
      for (cycle = 0; cycle < cycles; cycle++) {
        await liveOnce(random);
        const left = await remainsAtLast(clean);
        if (!isDeepStrictEqual(left, clean)) console.error(await describeCycle());
        expect({ cycle, left, wrong }).toEqual({ cycle, left: clean, wrong: [] });
        await expectTold({ ...kubelet, circumstances: quiet }, witness);
        expect(wrong).toEqual([]);
        expect(daemon.process.exitCode ?? daemon.process.signalCode).toBeNull();
        if (cycle === Math.floor(cycles / 10)) {
          Object.assign(begin, { rss: memoryMb(), open: openFiles(daemon.pid).length });
        }
      }
      const open = openFiles(daemon.pid).length;
      console.info(
        `${cycles} cycles, ${JSON.stringify(figures)}; RSS ${begin.rss} to ${memoryMb()} MiB, ` +
          `${begin.open} to ${open} descriptors, Docker ${deeds.version} at the end`,
      );
      expect(open).toBeLessThan(begin.open + 10);
    },
    120_000 + cycles * 60_000,
  );
}
