import type { DescMessage, DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import { ImageService, RuntimeService } from "@dockershim/cri-types";
import type { Cleanup } from "./cleanup.ts";
import { isUnimplemented } from "./cri-caller.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Pod } from "./pods.ts";
import { type Summary, summarize } from "./summary.ts";

/** A row's figure: durations in ms, or why there are none. */
export type Row = Summary | string;

/** One call of a row: how long it took, in ms. */
type Sample = (index: number) => Promise<number>;

/** What is done in turns with the calls of a row. */
type Beside = (row: string, pod: Pod) => Promise<unknown>;

/**
 * Times every kind of call, one at a time, on an endpoint that holds these pods.
 *
 * @param beside Awaited after each call, with the name of its row and the pod it was about.
 */
export async function measureCalls(
  endpoint: Endpoint,
  pods: readonly Pod[],
  image: string,
  calls: number,
  cleanup: Cleanup,
  beside: Beside = async () => undefined,
): Promise<Record<string, Row>> {
  const rows: Record<string, Row> = {};
  for (const [name, share, sample] of kinds(endpoint, pods, image)) {
    const count = Math.max(4, Math.round(calls * share));
    const then = (index: number) => beside(name, pods[index % pods.length] as Pod);
    rows[name] = await measure(sample, then, count, cleanup);
  }
  return rows;
}

function kinds(
  { cri }: Endpoint,
  pods: readonly Pod[],
  image: string,
): [name: string, share: number, sample: Sample][] {
  const { method: runtime } = RuntimeService;
  const { method: images } = ImageService;
  const containers = pods.filter((pod) => pod.containerId !== "");
  const pick = <T>(from: readonly T[], index: number): T => {
    const found = from[index % from.length];
    if (found === undefined) throw new Error("there is no pod to ask for");
    return found;
  };
  const plain =
    <I extends DescMessage, O extends DescMessage>(
      method: DescMethodUnary<I, O>,
      request: (index: number) => MessageInitShape<I>,
    ): Sample =>
    async (index) =>
      (await cri.call(method, request(index))).ms;
  const none = () => ({});
  const containerId = (index: number) => ({ containerId: pick(containers, index).containerId });

  return [
    ["Version", 1, plain(runtime.version, none)],
    ["ListPodSandbox", 1, plain(runtime.listPodSandbox, none)],
    ["ListContainers", 1, plain(runtime.listContainers, none)],
    [
      "PodSandboxStatus",
      1,
      plain(runtime.podSandboxStatus, (index) => ({ podSandboxId: pick(pods, index).sandboxId })),
    ],
    ["ContainerStatus", 1, plain(runtime.containerStatus, containerId)],
    ["Status", 0.25, plain(runtime.status, none)],
    ["ImageStatus", 1, plain(images.imageStatus, () => ({ image: { image } }))],
    ["ListImages", 0.25, plain(images.listImages, none)],
    ["ImageFsInfo", 0.1, plain(images.imageFsInfo, none)],
    ["ContainerStats", 0.05, plain(runtime.containerStats, containerId)],
    ["ListContainerStats", 0.02, plain(runtime.listContainerStats, none)],
    ["ListPodSandboxStats", 0.02, plain(runtime.listPodSandboxStats, none)],
    ["ListPodSandboxMetrics", 0.02, plain(runtime.listPodSandboxMetrics, none)],
    [
      "ExecSync true",
      0.125,
      async (index) => {
        const request = { ...containerId(index), cmd: ["true"], timeout: 10n };
        const { reply, ms } = await cri.call(runtime.execSync, request);
        if (reply.exitCode !== 0) throw new Error(`true exits with ${reply.exitCode}`);
        return ms;
      },
    ],
  ];
}

async function measure(
  sample: Sample,
  beside: (index: number) => Promise<unknown>,
  count: number,
  cleanup: Cleanup,
): Promise<Row> {
  const durations: number[] = [];
  try {
    // The first call loads code and opens what is kept open; a kubelet's polling pays it once.
    await sample(0);
    for (let index = 0; index < count; index++) {
      cleanup.check();
      durations.push(await sample(index));
      await beside(index);
    }
  } catch (err) {
    cleanup.check();
    if (isUnimplemented(err)) return "unimplemented";
    return `failed: ${(err instanceof Error ? err.message : String(err)).slice(0, 120)}`;
  }
  return summarize(durations);
}

/** ListContainers by several callers at once, in calls per second. */
export async function measureThroughput(
  { cri }: Endpoint,
  callers: number,
  seconds: number,
): Promise<number> {
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1_000;
  let done = 0;
  const caller = async (): Promise<void> => {
    while (elapsed() < seconds) {
      await cri.call(RuntimeService.method.listContainers, {});
      done++;
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return done / elapsed();
}
