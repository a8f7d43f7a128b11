import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CriClient, createCriClient } from "@dockershim/cri-client";
import { createDockerClient, type DockerClient } from "@dockershim/docker-client";
import {
  type Daemon,
  type DaemonOptions,
  labFlags,
  labVariable,
  launchDaemon,
} from "@dockershim/testing";

/** A daemon on the lab's engine as a process of its own, with clients on both. */
export interface Soak {
  readonly dir: string;
  readonly docker: DockerClient;
  /** The client of the daemon that runs now. */
  cri: CriClient;
  /** The daemon that runs now, ready or not. */
  daemon: Daemon;
  /** Ends the daemon with SIGKILL. */
  kill(): Promise<void>;
  /** Starts another daemon in the place of one that was killed, and does not wait for it. */
  launch(): void;
  /** Runs a pod. @returns Its id, and the ids of its containers by their names. */
  runPod(containers: Record<string, SoakContainer>): Promise<SoakPod>;
  /** Ends the daemon and removes what it kept. */
  close(options?: { keep?: boolean }): Promise<void>;
}

export interface SoakContainer {
  readonly command: readonly string[];
  readonly tty?: boolean;
}

export interface SoakPod {
  readonly podSandboxId: string;
  readonly containerIds: Readonly<Record<string, string>>;
  readonly logDirectory: string;
}

/** What a soak may choose of its daemon. */
export type SoakOptions = Partial<Pick<DaemonOptions, "flags" | "onLine">> & {
  /** Milliseconds that a CRI call may take. */
  readonly timeoutMs?: number;
};

/** Starts a daemon on the engine of the lab's environment, and waits until it is ready. */
export async function startSoak(name: string, options: SoakOptions = {}): Promise<Soak> {
  const { onLine, timeoutMs } = options;
  const dir = mkdtempSync(join(tmpdir(), `${name}-`));
  const endpoint = `unix://${join(dir, "shim.sock")}`;
  const launch = (): Daemon =>
    launchDaemon({
      listen: endpoint,
      flags: {
        "root-dir": join(dir, "root"),
        ...labFlags({
          LAB_DOCKER_ENDPOINT: labVariable("LAB_DOCKER_ENDPOINT"),
          LAB_CNI_CONF_DIR: labVariable("LAB_CNI_CONF_DIR"),
          LAB_CNI_BIN_DIR: labVariable("LAB_CNI_BIN_DIR"),
        }),
        ...options.flags,
      },
      ...(onLine === undefined ? {} : { onLine }),
    });
  const dial = (): CriClient =>
    createCriClient({ endpoint, ...(timeoutMs === undefined ? {} : { timeoutMs }) });

  const soak: Soak = {
    dir,
    docker: createDockerClient({ endpoint: labVariable("LAB_DOCKER_ENDPOINT") }),
    cri: dial(),
    daemon: launch(),
    async kill() {
      await soak.daemon.kill();
      soak.cri.close();
    },
    launch() {
      soak.cri = dial();
      soak.daemon = launch();
    },
    async runPod(containers) {
      const config = {
        metadata: { name, namespace: "soak", uid: `${name}-${process.pid}`, attempt: 0 },
        logDirectory: join(dir, "logs"),
        linux: {},
      };
      const { runtime } = soak.cri;
      const { podSandboxId } = await runtime.runPodSandbox({ config });
      const containerIds: Record<string, string> = {};
      for (const [container, { command, tty = false }] of Object.entries(containers)) {
        const { containerId } = await runtime.createContainer({
          podSandboxId,
          sandboxConfig: config,
          config: {
            metadata: { name: container, attempt: 0 },
            image: { image: labVariable("LAB_IMAGE") },
            command: [...command],
            logPath: `${container}/0.log`,
            tty,
            linux: {},
          },
        });
        await runtime.startContainer({ containerId });
        containerIds[container] = containerId;
      }
      return { podSandboxId, containerIds, logDirectory: config.logDirectory };
    },
    async close({ keep = false } = {}) {
      soak.cri.close();
      await soak.docker.close();
      await soak.daemon.stop();
      if (!keep) rmSync(dir, { recursive: true, force: true });
    },
  };
  // A check that fails leaves no daemon behind.
  process.once("exit", () => soak.daemon.process.kill("SIGKILL"));
  await soak.daemon.ready;
  return soak;
}
