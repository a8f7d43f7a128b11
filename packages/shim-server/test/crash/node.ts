import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CriClient, createCriClient } from "@dockershim/cri-client";
import { createDockerClient } from "@dockershim/docker-client";
import { type Daemon, labVariable, startDaemon, until } from "@dockershim/testing";
import {
  countRemains,
  type NodeRemains,
  readLabNetwork,
  removeContainersOf,
} from "../node-remains.js";
import { type KillProxy, type KillWay, killWays, startKillProxy } from "./kill-proxy.js";
import { wrapPlugins } from "./wrapped-plugins.js";

/** A daemon as a process of its own, which can be killed at each step that it has others take. */
export interface CrashNode {
  readonly cri: CriClient;
  readonly dir: string;
  /** The daemons' root directory. */
  readonly root: string;
  /** A label of its containers. */
  readonly run: string;
  /** Counts the steps of something. */
  record(work: () => Promise<unknown>): Promise<Step[]>;
  /** Does something, over a step of which the daemon is killed; then starts another one. */
  killOver(step: Step, work: () => Promise<unknown>): Promise<void>;
  /** Does something that kills the daemon itself, with what it is given; then starts another one. */
  killWithin(work: (kill: () => Promise<void>) => Promise<unknown>): Promise<void>;
  remains(): Promise<NodeRemains>;
  close(): Promise<void>;
}

/** A moment at which the daemon can be killed. */
export interface Step {
  readonly name: string;
  /** Its number among the requests; undefined in a plugin. */
  readonly index?: number;
  readonly way?: KillWay;
}

export async function openCrashNode(): Promise<CrashNode> {
  const dir = mkdtempSync(join(tmpdir(), "crash-"));
  const root = join(dir, "root");
  const run = `crash-${process.pid}-${Date.now()}`;
  const network = readLabNetwork();
  const realDir = labVariable("LAB_CNI_BIN_DIR");
  mkdirSync(join(dir, "cni"));
  const types = network.list.plugins.map(({ type }) => type);
  const plugins = wrapPlugins(join(dir, "cni"), realDir, types);
  const engine = labVariable("LAB_DOCKER_ENDPOINT").replace("unix://", "");
  const docker = createDockerClient({ endpoint: `unix://${engine}` });
  let daemon: Daemon;
  let cri: CriClient;
  const proxy: KillProxy = await startKillProxy(engine, join(dir, "docker.sock"), async () =>
    daemon.kill(),
  );

  async function start(): Promise<void> {
    daemon = await startDaemon({
      listen: `unix://${join(dir, "shim.sock")}`,
      flags: {
        "root-dir": root,
        "docker-endpoint": proxy.endpoint,
        "cni-conf-dir": labVariable("LAB_CNI_CONF_DIR"),
        "cni-bin-dir": [plugins.binDir, realDir],
        "adopt-unlabelled": "false",
        "log-level": "error",
      },
    });
    plugins.setPid(daemon.pid);
    cri = createCriClient({ endpoint: daemon.endpoint });
  }

  function forget(): void {
    proxy.forget();
    plugins.forget();
  }

  /** Does something over which the daemon is killed, and starts another one. */
  async function dieOver(work: () => Promise<unknown>): Promise<void> {
    const { process } = daemon;
    await work().catch(() => undefined);
    // The call's own reply may have come through before that.
    await until(() => process.signalCode === "SIGKILL");
    cri.close();
    forget();
    await start();
  }

  await start();
  return {
    get cri() {
      return cri;
    },
    dir,
    root,
    run,
    async record(work) {
      forget();
      await work();
      const requests = proxy.steps.flatMap((name, index) =>
        killWays.map((way): Step => ({ name: `${way} request ${index + 1}, ${name}`, index, way })),
      );
      return [...requests, ...plugins.steps().map((name): Step => ({ name }))];
    },
    async killOver({ name, index, way }, work) {
      forget();
      if (index !== undefined && way !== undefined) proxy.planKill(index, way);
      else plugins.planKill(name);
      await dieOver(work);
    },
    killWithin: (work) => dieOver(() => work(() => daemon.kill())),
    remains: () => countRemains(docker, network, root, run),
    async close() {
      cri.close();
      await daemon.stop();
      await proxy.close();
      await removeContainersOf(docker, run);
      await docker.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
