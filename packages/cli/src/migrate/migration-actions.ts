import { mkdir, readFile, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createCriClient } from "@dockershim/cri-client";
import { ContainerState, PodSandboxState } from "@dockershim/cri-types";
import { createDockerClient } from "@dockershim/docker-client";
import {
  INSTANCE_LABEL,
  SANDBOX_ID_LABEL,
  TYPE_LABEL,
  TYPE_SANDBOX,
} from "@dockershim/pod-sandbox";
import { CliError, messageOf } from "../cli-error.js";
import type { Systemctl } from "../machine/systemctl.js";
import { writeWhole } from "../machine/write-whole.js";
import { readAddresses } from "../objects/pod-addresses.js";
import { inspectPods } from "./inspect-pods.js";
import type { CriWait, FileChange, MigrationAction } from "./migration-step.js";

/** @param root The node's files are below it; empty for the node itself. */
export function createPerformer(parts: {
  readonly root: string;
  readonly systemctl: Systemctl;
  /** How long a runtime may take to be ready, in ms. */
  readonly readyMs: number;
}): (action: MigrationAction, signal: AbortSignal) => Promise<void> {
  const { root, systemctl, readyMs } = parts;
  return async (action, signal) => {
    signal.throwIfAborted();
    switch (action.kind) {
      case "systemctl":
        await systemctl(action.args, signal);
        return;
      case "file":
        return await changeFile(root, action);
      case "wait":
        return await waitUntilServing(action, Math.max(readyMs, action.leastMs), signal);
    }
  };
}

/** A file's text, or a program's bytes as latin1; undefined when there is none. */
export async function readIfThere(
  file: string,
  encoding: "utf8" | "latin1" = "utf8",
): Promise<string | undefined> {
  return await readFile(file, encoding).catch((err: NodeJS.ErrnoException) => {
    if (err.code === "ENOENT" || err.code === "ENOTDIR") return undefined;
    throw err;
  });
}

async function changeFile(root: string, change: FileChange): Promise<void> {
  const { from, to, backup, obsolete, ownFolder, isProgram = false } = change;
  const file = join(root, change.file);
  const encoding = isProgram ? "latin1" : "utf8";
  const now = await readIfThere(file, encoding);
  if (now !== to) {
    if (now !== from) {
      throw new CliError("failure", `${change.file} has been changed by somebody else meanwhile`);
    }
    if (backup !== undefined && from !== undefined) await writeWhole(join(root, backup), from);
    if (to === undefined) {
      await rm(file);
    } else {
      await mkdir(dirname(file), { recursive: true });
      await writeWhole(file, Buffer.from(to, encoding), isProgram ? 0o755 : 0o644);
    }
  }
  if (obsolete !== undefined) await rm(join(root, obsolete), { force: true });
  if (to === undefined && ownFolder) {
    // Others may have put something there.
    await rmdir(dirname(file)).catch(() => undefined);
  }
}

/** How often a runtime is asked, in ms. */
const pollMs = 250;

async function waitUntilServing(
  wait: CriWait,
  readyMs: number,
  signal: AbortSignal,
): Promise<void> {
  const client = createCriClient({ endpoint: wait.endpoint });
  const docker = createDockerClient({ endpoint: wait.dockerEndpoint });
  const end = performance.now() + readyMs;
  try {
    for (;;) {
      const missing = await whatIsMissing(wait, client, docker, signal).catch((err) => {
        signal.throwIfAborted();
        if (err instanceof ProcessChanged) throw err;
        return messageOf(err);
      });
      if (missing === undefined) return;
      if (performance.now() > end) {
        throw new CliError("failure", `not ready within ${readyMs / 1_000} s: ${missing}`);
      }
      await delay(pollMs, undefined, { signal });
    }
  } finally {
    client.close();
    await docker.close();
  }
}

class ProcessChanged extends CliError {}

type CriClient = ReturnType<typeof createCriClient>;
type DockerClient = ReturnType<typeof createDockerClient>;

async function whatIsMissing(
  { conditions, pods, pids, addresses }: CriWait,
  { runtime }: CriClient,
  docker: DockerClient,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { status } = await runtime.status({}, { signal });
  for (const wanted of conditions) {
    const found = status?.conditions.find(({ type }) => type === wanted);
    if (found?.status !== true) return `${wanted} is not true: ${found?.message ?? "missing"}`;
  }
  const inspected = await inspectPods(docker, signal);
  for (const { Id, Name, State } of inspected) {
    const before = pids[Id];
    if (before !== undefined && State.Running && State.Pid !== before) {
      const what = `${Name.slice(1)} runs as process ${State.Pid}, and was ${before}`;
      throw new ProcessChanged("failure", what);
    }
  }
  const [{ items }, { containers }] = await Promise.all([
    runtime.listPodSandbox({}, { signal }),
    runtime.listContainers({}, { signal }),
  ]);
  const runs = new Map<string, boolean>([
    ...items.map(({ id, state }) => [id, state === PodSandboxState.SANDBOX_READY] as const),
    ...containers.map(({ id, state }) => [id, state === ContainerState.CONTAINER_RUNNING] as const),
  ]);
  const present = new Set(inspected.map(({ Id }) => Id));
  for (const { Id, Name, Config, State } of inspected) {
    const labels = Config.Labels ?? {};
    if (pods === "unlabelled" && labels[INSTANCE_LABEL] !== undefined) continue;
    const isSandbox = labels[TYPE_LABEL] === TYPE_SANDBOX;
    // A container that has lost its sandbox is nobody's.
    if (!isSandbox && !present.has(labels[SANDBOX_ID_LABEL] ?? "")) continue;
    const listed = runs.get(Id);
    if (listed === undefined) return `it does not list ${Name.slice(1)}`;
    if (State.Running && !listed) return `it lists ${Name.slice(1)} as one that does not run`;
  }
  const told = await readAddresses(runtime, signal);
  for (const { Id, Name, State } of inspected) {
    const [before, now] = [addresses[Id], told[Id]];
    if (State.Running && before !== undefined && now !== before) {
      return `it gives ${Name.slice(1)} ${now ?? "no address"}, which has ${before}`;
    }
  }
  return undefined;
}
