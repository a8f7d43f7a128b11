import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { CriClient } from "@dockershim/cri-client";
import { ContainerState, PodSandboxState } from "@dockershim/cri-types";
import { labVariable, until } from "@dockershim/testing";
import { afterAll, describe, expect, test } from "@jest/globals";
import { openCrashNode } from "./crash/node.js";
import { killOverRotation, rotateAgain, rotationMoments } from "./crash/rotation.js";
import { readNumberedLog } from "./log-checker.js";

// Over each step of each call the daemon is killed with -9. Afterwards another one on the same root directory is asked
// again, as a kubelet asks; then the pod is ended, and nothing may be left.

const node = await openCrashNode();
let pods = 0;

interface Pod {
  readonly config: ReturnType<typeof sandboxConfig>;
  podSandboxId: string;
  containerId: string;
}

function sandboxConfig() {
  const name = `pod-${pods++}`;
  return {
    metadata: { name, namespace: "crash", uid: `${node.run}-${name}`, attempt: 0 },
    logDirectory: join(node.dir, "logs", name),
    labels: { run: node.run },
    portMappings: [{ protocol: 0, containerPort: 80, hostPort: 32_100, hostIp: "" }],
    linux: {},
  };
}

/** One that no container has. */
const image = { image: labVariable("LAB_REGISTRY_IMAGE") };

const runtime = (): CriClient["runtime"] => node.cri.runtime;

/** The calls of a pod's life, in order; each leaves what the next one needs. */
const calls = {
  async run(pod: Pod) {
    pod.podSandboxId = (await runtime().runPodSandbox({ config: pod.config })).podSandboxId;
  },
  async create(pod: Pod) {
    const { containerId } = await runtime().createContainer({
      podSandboxId: pod.podSandboxId,
      sandboxConfig: pod.config,
      config: {
        metadata: { name: "main", attempt: 0 },
        image: { image: labVariable("LAB_IMAGE") },
        command: ["sleep", "3600"],
        logPath: "main.log",
        labels: pod.config.labels,
        linux: {},
      },
    });
    pod.containerId = containerId;
  },
  async start({ containerId }: Pod) {
    // A kubelet that finds it running does not start it again.
    const { status } = await runtime().containerStatus({ containerId });
    if (status?.state === ContainerState.CONTAINER_RUNNING) return;
    await runtime().startContainer({ containerId });
  },
  stop: ({ containerId }: Pod) => runtime().stopContainer({ containerId, timeout: 0n }),
  remove: ({ containerId }: Pod) => runtime().removeContainer({ containerId }),
  stopPod: ({ podSandboxId }: Pod) => runtime().stopPodSandbox({ podSandboxId }),
  removePod: ({ podSandboxId }: Pod) => runtime().removePodSandbox({ podSandboxId }),
  pull: () => node.cri.image.pullImage({ image }),
  unpull: () => node.cri.image.removeImage({ image }),
};

/** What is told of a pod: its state, whether it has an address, and its containers' states. */
async function toldOf({ config }: Pod): Promise<string[]> {
  const { items } = await runtime().listPodSandbox({});
  const pod = items.filter(({ metadata }) => metadata?.uid === config.metadata.uid);
  const { containers } = await runtime().listContainers({});
  const addresses: string[] = [];
  for (const { id, state } of pod) {
    const { status } = await runtime().podSandboxStatus({ podSandboxId: id });
    const addressed = status?.network?.ip ? "with an address" : "without one";
    addresses.push(`${PodSandboxState[state]} ${addressed}`);
  }
  return [
    ...addresses,
    ...containers
      .filter(({ podSandboxId }) => pod.some(({ id }) => id === podSandboxId))
      .map(({ state }) => ContainerState[state]),
  ];
}

type Call = keyof typeof calls;
const ready = "SANDBOX_READY with an address";
const notReady = "SANDBOX_NOTREADY without one";

interface Scenario {
  readonly name: string;
  readonly call: Call;
  /** The calls before it. */
  readonly before: readonly Call[];
  /** How many moments to be killed at it has: a table that has become empty is noticed. */
  readonly moments: number;
  /** What is told when it has succeeded. */
  readonly after: readonly string[];
}

const started: readonly Call[] = ["run", "create", "start"];
const scenarios: readonly Scenario[] = [
  { name: "RunPodSandbox", call: "run", before: [], moments: 10, after: [ready] },
  {
    name: "CreateContainer",
    call: "create",
    before: ["run"],
    moments: 3,
    after: [ready, "CONTAINER_CREATED"],
  },
  {
    name: "StartContainer",
    call: "start",
    before: ["run", "create"],
    moments: 3,
    after: [ready, "CONTAINER_RUNNING"],
  },
  {
    name: "StopContainer",
    call: "stop",
    before: started,
    moments: 3,
    after: [ready, "CONTAINER_EXITED"],
  },
  { name: "RemoveContainer", call: "remove", before: started, moments: 3, after: [ready] },
  {
    name: "StopPodSandbox",
    call: "stopPod",
    before: started,
    moments: 10,
    after: [notReady, "CONTAINER_EXITED"],
  },
  { name: "RemovePodSandbox", call: "removePod", before: started, moments: 16, after: [] },
  { name: "PullImage", call: "pull", before: ["unpull"], moments: 3, after: [] },
];

async function prepared({ before }: Pick<Scenario, "before">): Promise<Pod> {
  const pod: Pod = { config: sandboxConfig(), podSandboxId: "", containerId: "" };
  for (const call of before) await calls[call](pod);
  return pod;
}

async function end(pod: Pod): Promise<void> {
  for (const { id } of (await runtime().listPodSandbox({})).items) {
    await calls.stopPod({ ...pod, podSandboxId: id });
    await calls.removePod({ ...pod, podSandboxId: id });
  }
}

// The first pod has the bridge made, which stays.
await end(await prepared({ before: started }));
const clean = await node.remains();

afterAll(async () => {
  await calls.unpull();
  await node.close();
});

for (const scenario of scenarios) {
  const { name, call, after } = scenario;
  const pod = await prepared(scenario);
  const steps = await node.record(() => calls[call](pod));
  await end(pod);
  const rows = process.env.CRASH_SLICE ? steps.filter((_step, index) => index % 8 === 0) : steps;
  describe(name, () => {
    test("has the moments that the table is made of", () => {
      expect(steps).toHaveLength(scenario.moments);
    });
    test.each(rows.map((step) => [step.name, step] as const))("killed %s", async (_name, step) => {
      const again = await prepared(scenario);
      await node.killOver(step, () => calls[call](again));
      await calls[call](again);
      expect(await toldOf(again)).toEqual(after);
      if (call === "pull") {
        expect((await node.cri.image.imageStatus({ image })).image).toBeDefined();
      }
      await end(again);
      await until(async () => JSON.stringify(await node.remains()) === JSON.stringify(clean), {
        deadlineMs: 20_000,
      }).catch(() => undefined);
      expect(await node.remains()).toEqual(clean);
    });
  });
}

describe("ReopenContainerLog", () => {
  const lines = 3_000;
  const moments = process.env.CRASH_SLICE ? rotationMoments.slice(2, 3) : rotationMoments;

  test.each(moments)("killed %s loses and doubles no line", async (moment) => {
    const pod = await prepared({ before: ["run"] });
    const { containerId } = await runtime().createContainer({
      podSandboxId: pod.podSandboxId,
      sandboxConfig: pod.config,
      config: {
        metadata: { name: "main", attempt: 0 },
        image: { image: labVariable("LAB_IMAGE") },
        command: [
          "sh",
          "-c",
          `i=0; while [ $i -lt ${lines} ]; do i=$((i+1)); echo $i xx; [ $((i%10)) != 0 ] || sleep 0.01; done; sleep 3600`,
        ],
        logPath: "main.log",
        labels: pod.config.labels,
        linux: {},
      },
    });
    await runtime().startContainer({ containerId });
    const log = join(pod.config.logDirectory, "main.log");
    const rotation = {
      log,
      position: join(node.root, "logs", `${containerId}.position`),
      reopen: () => runtime().reopenContainerLog({ containerId }),
    };
    await until(() => statSync(log).size > 0);
    await node.killWithin((kill) => killOverRotation(rotation, moment, kill));
    await rotateAgain(rotation);
    await until(async () => (await readNumberedLog(log)).last.stdout === lines);
    expect((await readNumberedLog(log)).problems).toEqual([]);
    await end(pod);
    rmSync(pod.config.logDirectory, { recursive: true });
    await until(async () => JSON.stringify(await node.remains()) === JSON.stringify(clean));
  });
});
