import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { createCriClient } from "@dockershim/cri-client";
import type { Daemon } from "@dockershim/testing";
import type { LabEnv } from "../lab/env.ts";

/** An example that is to be run. */
export interface ExampleRun {
  /** The Node that runs it. */
  readonly node: string;
  /** Its text as a file, in the folder where its package is installed. */
  readonly file: string;
  readonly package: string;
  /** Its place among the examples of the README. */
  readonly index: number;
  readonly lab: LabEnv;
  readonly daemon: Daemon;
  /** Process of a container that runs. */
  readonly containerPid: string;
}

/** What an example needs beside what all have. */
interface Need {
  /** Its text asks for a process of a container as its argument. */
  readonly takesPid?: boolean;
  /** It makes the daemon's socket itself. */
  readonly isDaemon?: boolean;
  /** It says nothing until a pod is run. */
  readonly waitsForPod?: boolean;
}

const needs: Readonly<Record<string, Need>> = {
  "@dockershim/cgroups 2": { takesPid: true },
  "@dockershim/cri-client 1": { waitsForPod: true },
  "@dockershim/shim-server 0": { isDaemon: true },
};

/**
 * Runs an example as printed: Docker and the daemon answer where they usually do, and CNI's folders are the
 * usual ones, in a mount and a network namespace of its own.
 *
 * One that ends has to end with 0; one that goes on has to say something, and is ended then.
 *
 * @returns What is wrong; undefined for nothing.
 */
export async function runExample(run: ExampleRun): Promise<string | undefined> {
  const need = needs[`${run.package} ${run.index}`] ?? {};
  const child = spawn(
    "unshare",
    [
      "--mount",
      "--net",
      "sh",
      "-euc",
      usualPlaces(run, need),
      "sh",
      run.node,
      run.file,
      ...(need.takesPid ? [run.containerPid] : []),
    ],
    { cwd: dirname(run.file), stdio: ["ignore", "pipe", "pipe"] },
  );
  let stdout = "";
  let stderr = "";
  const said = new Promise<void>((resolve) => {
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
      resolve();
    });
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const closed = once(child, "close") as Promise<[number | null, string | null]>;
  const heard = Promise.race([said, closed]);
  if (need.waitsForPod === true && !(await runPodsUntil(heard, run))) child.kill("SIGKILL");
  await heard;
  // Those that go on wait for what never comes: a timer, an event. The others end by themselves.
  const goesOn = /setInterval|onChange|getContainerEvents|SIGTERM/.test(
    await readFile(run.file, "utf8"),
  );
  if (goesOn) child.kill("SIGTERM");
  const [code, signal] = await closed;
  const ended = goesOn ? code === 0 || signal === "SIGTERM" || code === 143 : code === 0;
  if (ended && stdout !== "") return undefined;
  return `ended with ${code ?? signal}, said ${JSON.stringify(stdout)}, complained ${JSON.stringify(stderr)}`;
}

/** A script that puts everything into its usual place, and then runs its arguments. */
function usualPlaces({ lab, daemon }: ExampleRun, { isDaemon }: Need): string {
  const socketOf = (endpoint: string): string => endpoint.replace("unix://", "");
  return [
    "mount --make-rprivate /",
    ...["/run", "/var/lib/dockershim", "/opt", "/etc/cni"].map(
      (folder) => `mkdir -p ${folder}; mount -t tmpfs tmpfs ${folder}`,
    ),
    "mkdir -p /run/dockershim /opt/cni/bin /etc/cni/net.d",
    `mount --bind ${lab.LAB_CNI_BIN_DIR} /opt/cni/bin`,
    `mount --bind ${lab.LAB_CNI_CONF_DIR} /etc/cni/net.d`,
    `ln -s ${socketOf(lab.LAB_DOCKER_ENDPOINT)} /run/docker.sock`,
    ...(isDaemon ? [] : [`ln -s ${socketOf(daemon.endpoint)} /run/dockershim/dockershim.sock`]),
    "ip link set lo up",
    'exec "$@"',
  ].join("\n");
}

/**
 * Runs pods one after the other, since nobody tells when an example listens: the first may be before that.
 *
 * @returns Whether it said something, or ended, before the last of them.
 */
async function runPodsUntil(heard: Promise<unknown>, run: ExampleRun): Promise<boolean> {
  let isHeard = false;
  void heard.then(() => {
    isHeard = true;
  });
  for (let left = 300; left > 0; left--) {
    await runPod(run);
    if (isHeard) return true;
  }
  return false;
}

/** Runs a pod, and removes it. */
async function runPod({ daemon }: ExampleRun): Promise<void> {
  const cri = createCriClient({ endpoint: daemon.endpoint });
  try {
    const metadata = { name: "example", namespace: "default", uid: "example", attempt: 0 };
    const { podSandboxId } = await cri.runtime.runPodSandbox({ config: { metadata, linux: {} } });
    await cri.runtime.removePodSandbox({ podSandboxId });
  } finally {
    cri.close();
  }
}
