import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { answers } from "@dockershim/testing";
import { command } from "../lab/command.ts";
import { cniBinDir, type LabConfig } from "../lab/config.ts";
import { enginePrograms } from "../lab/engine-programs.ts";
import type { LabEnv } from "../lab/env.ts";
import type { Cleanup } from "./cleanup.ts";
import type { EndpointAddress } from "./endpoint.ts";

/** The lab that peers run in, beside the daemon. */
export interface PeerLab {
  readonly config: LabConfig;
  readonly env: LabEnv;
  /** The image of the containers, and that of the sandboxes; the engine has both. */
  readonly image: string;
  readonly pauseImage: string;
  /** The engine's process, which is also cri-dockerd's. */
  readonly enginePid: number | undefined;
}

/** How long a peer may take until it answers, in ms. */
const startMs = 60_000;

/**
 * Starts containerd, the one that the lab's engine has, with its CRI plugin and a root of its own, and gives it
 * the images. Pods are on the lab's network.
 */
export async function startContainerd(lab: PeerLab, cleanup: Cleanup): Promise<EndpointAddress> {
  const dir = join(lab.env.LAB_RUN_DIR, "containerd");
  mkdirSync(dir, { recursive: true });
  cleanup.add(() => rmSync(dir, { recursive: true, force: true }));
  const socket = join(dir, "containerd.sock");
  const config = join(dir, "config.toml");
  writeFileSync(config, containerdConfig(lab, dir, socket));
  const { path, env } = await enginePrograms(lab.config);
  const environment = { ...process.env, ...env, PATH: path };
  const pid = await startPeer("containerd", ["--config", config], environment, socket, cleanup);
  const archive = join(dir, "images.tar");
  await saveImages(lab.config.dockerSocket, [lab.image, lab.pauseImage], archive);
  const load = ["--address", socket, "--namespace", "k8s.io", "images", "import", archive];
  await command("ctr", load, { env: environment });
  rmSync(archive);
  return { name: "containerd", socket, pid };
}

/** In version 2, which every containerd since 1.3 reads. */
function containerdConfig({ env, pauseImage }: PeerLab, dir: string, socket: string): string {
  const cri = `plugins."io.containerd.grpc.v1.cri"`;
  const values: [table: string, lines: readonly string[]][] = [
    ["grpc", [`address = "${socket}"`]],
    [
      cri,
      [
        `sandbox_image = "${pauseImage}"`,
        // A machine without CAP_SYS_RESOURCE refuses what the kubelet's runtimes give sandboxes.
        "restrict_oom_score_adj = true",
      ],
    ],
    [`${cri}.cni`, [`bin_dir = "${cniBinDir}"`, `conf_dir = "${env.LAB_CNI_CONF_DIR}"`]],
  ];
  const head = ["version = 2", `root = "${dir}/root"`, `state = "${dir}/state"`];
  const tables = values.map(([table, lines]) => [`[${table}]`, ...lines].join("\n"));
  return `${[head.join("\n"), ...tables].join("\n\n")}\n`;
}

/** Starts a cri-dockerd, from the path of its program, on the lab's engine. */
export async function startCriDockerd(
  program: string,
  { env, pauseImage, enginePid }: PeerLab,
  cleanup: Cleanup,
): Promise<EndpointAddress> {
  const dir = join(env.LAB_RUN_DIR, "cri-dockerd");
  mkdirSync(dir, { recursive: true });
  cleanup.add(() => rmSync(dir, { recursive: true, force: true }));
  const socket = join(dir, "cri-dockerd.sock");
  const flags = {
    "container-runtime-endpoint": `unix://${socket}`,
    "docker-endpoint": env.LAB_DOCKER_ENDPOINT,
    "network-plugin": "cni",
    "cni-conf-dir": env.LAB_CNI_CONF_DIR,
    "cni-bin-dir": env.LAB_CNI_BIN_DIR,
    "cni-cache-dir": join(dir, "cni"),
    "pod-infra-container-image": pauseImage,
    "cri-dockerd-root-directory": dir,
    "streaming-bind-addr": "127.0.0.1:0",
    "log-level": "error",
  };
  const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
  const pid = await startPeer(program, args, process.env, socket, cleanup);
  return { name: "cri-dockerd", socket, pid, enginePid };
}

async function startPeer(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  socket: string,
  cleanup: Cleanup,
): Promise<number> {
  // In a group of its own: Ctrl-C must not reach it before its pods are gone.
  const child = spawn(program, args, { env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-2_000);
    });
  }
  const failed = new Promise<never>((_, reject) => child.once("error", reject));
  failed.catch(() => undefined);
  cleanup.add(() => stop(child));
  const end = performance.now() + startMs;
  while (!(await Promise.race([answers(socket), failed]))) {
    if (child.exitCode !== null || performance.now() > end) {
      throw new Error(`${program} does not answer: ${said.trim()}`);
    }
    await delay(50);
  }
  return child.pid as number;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}

/** Writes images of the engine into one archive. */
async function saveImages(docker: string, names: readonly string[], file: string): Promise<void> {
  const query = names.map((name) => `names=${encodeURIComponent(name)}`).join("&");
  await new Promise<void>((resolve, reject) => {
    const sent = request({ socketPath: docker, path: `/images/get?${query}` }, (reply) => {
      if (reply.statusCode !== 200) reject(new Error(`saving images: ${reply.statusCode}`));
      else pipeline(reply, createWriteStream(file)).then(resolve, reject);
    });
    sent.on("error", reject);
    sent.end();
  });
}
