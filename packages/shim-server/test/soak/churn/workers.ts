import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { CriClient } from "@dockershim/cri-client";
import { labVariable } from "@dockershim/testing";
import { dialStream } from "../../stream-client.ts";
import type { Tally } from "./figures.ts";

/** What the workers share. */
export interface Churn {
  readonly cri: CriClient;
  readonly dir: string;
  readonly tally: Tally;
  /** Whether the end has come. */
  readonly over: () => boolean;
}

export interface ChurnPod {
  readonly podSandboxId: string;
  readonly containerId: string;
  readonly log: string;
}

let names = 0;

/** Runs a pod whose container writes ten lines a second. */
export async function runPod({ cri, dir, tally }: Churn): Promise<ChurnPod> {
  const name = `churn-${names++}`;
  const logDirectory = join(dir, "logs", name);
  const config = {
    metadata: { name, namespace: "soak", uid: `${process.pid}-${name}`, attempt: 0 },
    logDirectory,
    labels: { app: "churn" },
    linux: {},
  };
  const { runtime } = cri;
  const { podSandboxId } = await tally.time("runPodSandbox", () =>
    runtime.runPodSandbox({ config }),
  );
  try {
    const { containerId } = await runtime.createContainer({
      podSandboxId,
      sandboxConfig: config,
      config: {
        metadata: { name: "main", attempt: 0 },
        image: { image: labVariable("LAB_IMAGE") },
        command: ["sh", "-c", "while :; do echo line; sleep 0.1; done"],
        logPath: "main.log",
        labels: config.labels,
        linux: {},
      },
    });
    await tally.time("startContainer", () => runtime.startContainer({ containerId }));
    return { podSandboxId, containerId, log: join(logDirectory, "main.log") };
  } catch (err) {
    await removePod({ cri, tally }, podSandboxId);
    throw err;
  }
}

/** Removes a pod as a kubelet does: until it is gone. */
export async function removePod(
  { cri, tally }: Pick<Churn, "cri" | "tally">,
  podSandboxId: string,
): Promise<void> {
  for (;;) {
    try {
      await cri.runtime.stopPodSandbox({ podSandboxId });
      await cri.runtime.removePodSandbox({ podSandboxId });
      return;
    } catch (err) {
      tally.fail(err);
      await delay(500);
    }
  }
}

/** Does something again and again; what fails is counted, and the next is tried. */
export async function repeat(
  { over, tally }: Churn,
  everyMs: number,
  work: () => Promise<unknown>,
): Promise<void> {
  while (!over()) {
    const next = performance.now() + everyMs;
    await work().catch((err) => {
      tally.fail(err);
      // The engine is away for seconds.
      return delay(500);
    });
    await delay(Math.max(0, next - performance.now()));
  }
}

/** A pod that comes, is used, and goes. */
export async function liveAndDie(churn: Churn): Promise<void> {
  const { cri, tally } = churn;
  const pod = await runPod(churn);
  const { podSandboxId, containerId } = pod;
  try {
    await tally.time("execSync", () =>
      cri.runtime.execSync({ containerId, cmd: ["echo", "hello"], timeout: 30n }),
    );
    await cri.runtime.containerStats({ containerId });
    await rotate(churn, pod);
    await cri.runtime.stopContainer({ containerId, timeout: 0n });
    await cri.runtime.removeContainer({ containerId });
  } finally {
    await removePod(churn, podSandboxId);
    rmSync(join(pod.log, ".."), { recursive: true, force: true });
  }
  tally.pods++;
}

/** Rotates a log as a kubelet does: it gives the file its name back if there is no new one. */
export async function rotate({ cri }: Churn, { log, containerId }: ChurnPod): Promise<void> {
  renameSync(log, `${log}.1`);
  try {
    await cri.runtime.reopenContainerLog({ containerId });
  } catch (err) {
    renameSync(`${log}.1`, log);
    throw err;
  }
}

/** Has a command run in a streaming session. */
export async function execStreaming({ cri }: Churn, { containerId }: ChurnPod): Promise<void> {
  const { url } = await cri.runtime.exec({
    containerId,
    cmd: ["sh", "-c", "seq 1000"],
    stdin: false,
    stdout: true,
    stderr: true,
    tty: false,
  });
  const session = await dialStream(url);
  await session.status();
  session.close();
}

/** Reads events, some of them or all that come within the time. */
export async function readEvents(
  { cri }: Churn,
  { most, ms }: { readonly most: number; readonly ms: number },
): Promise<void> {
  const signal = AbortSignal.timeout(ms);
  let read = 0;
  try {
    for await (const _event of cri.runtime.getContainerEvents({}, { signal })) {
      if (++read === most) return;
    }
  } catch (err) {
    if (!signal.aborted) throw err;
  }
}
