import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { readCrictlOptions } from "./crictl-help.ts";

/** What the tables of crictl's options in docs/crictl.md and its test are made of. */
const recordedOptions = join(
  import.meta.dirname,
  "../packages/cli/test/fixtures/crictl-1.37-options.json",
);

/** What a session works with. */
export interface SessionOptions {
  /** Where pod configs and logs go. */
  readonly folder: string;
  readonly image: string;
  /** An image to pull and to remove again. */
  readonly pullImage: string;
}

function expect(what: boolean, message: string): void {
  if (!what) throw new Error(message);
}

/** What crictl complains of when it has to. */
async function refusal(saying: Promise<string>): Promise<string> {
  try {
    return `no refusal: ${await saying}`;
  } catch (error) {
    return (error as { stderr?: string }).stderr ?? String(error);
  }
}

/** The ids and states that a session of an operator goes through; each step builds upon those before. */
export interface Session {
  crictl(...args: string[]): Promise<string>;
  /** The first line that matches of what does not end by itself, while something is done over and over. */
  firstLine(pattern: RegExp, args: readonly string[], act: () => Promise<void>): Promise<string>;
  readonly podFile: string;
  readonly containerFile: string;
  /** A container of another name. */
  readonly otherContainerFile: string;
  readonly options: SessionOptions;
  pod: string;
  container: string;
}

export type Step = readonly [name: string, step: (session: Session) => Promise<void>];

export const steps: readonly Step[] = [
  [
    "version",
    async ({ crictl }) => expect(/RuntimeName: +docker/.test(await crictl("version")), "no name"),
  ],
  [
    "its options are those that the command's page and tests go by",
    async ({ crictl }) => {
      const recorded = JSON.parse(await readFile(recordedOptions, "utf8"));
      expect(
        isDeepStrictEqual(await readCrictlOptions(crictl), recorded),
        `crictl's help differs from ${recordedOptions}`,
      );
    },
  ],
  [
    "info",
    async ({ crictl }) => {
      const { status, runtimeHandlers } = JSON.parse(await crictl("info"));
      expect(
        status.conditions.every((condition: { status: boolean }) => condition.status),
        `conditions ${JSON.stringify(status.conditions)}`,
      );
      expect(runtimeHandlers.length > 0, "no runtime handlers");
    },
  ],
  [
    "pull, images, inspecti, rmi",
    async ({ crictl, options: { pullImage } }) => {
      await crictl("pull", pullImage);
      const { status } = JSON.parse(await crictl("inspecti", pullImage));
      const [repository] = pullImage.split(/:(?=[^/:]*$)/);
      expect((await crictl("images")).includes(repository ?? pullImage), "not in the list");
      await crictl("rmi", pullImage);
      expect(!(await crictl("images", "-q", "--no-trunc")).includes(status.id), "still there");
    },
  ],
  [
    "runp",
    async (session) => {
      session.pod = (await session.crictl("runp", session.podFile)).trim();
      const pods = await session.crictl("pods", "-q", "--no-trunc", "--state", "ready");
      expect(pods.includes(session.pod), "the pod is not listed as ready");
    },
  ],
  [
    "inspectp",
    async ({ crictl, pod }) => {
      const { status } = JSON.parse(await crictl("inspectp", pod));
      expect(/^\d+\./.test(status.network.ip), `the pod's IP is "${status.network.ip}"`);
    },
  ],
  [
    "create, start, ps",
    async (session) => {
      const { crictl, pod, containerFile, podFile } = session;
      session.container = (await crictl("create", pod, containerFile, podFile)).trim();
      await crictl("start", session.container);
      const running = await crictl("ps", "-q", "--no-trunc", "--state", "running", "--pod", pod);
      expect(running.trim() === session.container, `running: ${running}`);
    },
  ],
  [
    "inspect",
    async ({ crictl, container }) => {
      const { status, info } = JSON.parse(await crictl("inspect", container));
      expect(status.state === "CONTAINER_RUNNING", `state ${status.state}`);
      expect(info.pid > 0, "no pid in the verbose info");
    },
  ],
  [
    "exec -s",
    async ({ crictl, container }) => {
      const said = await crictl("exec", "-s", container, "echo", "synchronous");
      // crictl puts newlines of its own after each of the two streams.
      expect(said.trim() === "synchronous", `said ${JSON.stringify(said)}`);
    },
  ],
  [
    "exec",
    async ({ crictl, container }) => {
      const said = await crictl("exec", container, "echo", "streamed");
      expect(said === "streamed\n", `said ${JSON.stringify(said)}`);
    },
  ],
  [
    "update",
    async ({ crictl, container }) => {
      const limits = { "cpu-share": 512, "cpu-quota": 20_000, "cpu-period": 100_000 };
      const flags = Object.entries({ ...limits, memory: 64 << 20, "cpuset-cpus": 0 });
      await crictl("update", ...flags.map(([flag, value]) => `--${flag}=${value}`), container);
      const { status } = JSON.parse(await crictl("inspect", container));
      const { linux } = status.resources;
      const told = [linux.cpuShares, linux.cpuQuota, linux.cpuPeriod, linux.memoryLimitInBytes];
      expect(
        `${told.map(Number)} ${linux.cpusetCpus}` === "512,20000,100000,67108864 0",
        `resources ${JSON.stringify(linux)}`,
      );
    },
  ],
  [
    "stats",
    async ({ crictl, container }) => {
      const { stats } = JSON.parse(await crictl("stats", "-o", "json", "--id", container));
      expect(Number(stats[0]?.memory?.workingSetBytes?.value) > 0, "no working set");
    },
  ],
  [
    "statsp",
    async ({ crictl, pod }) => {
      const { stats } = JSON.parse(await crictl("statsp", "-o", "json", "--id", pod));
      expect(Number(stats[0]?.linux?.memory?.workingSetBytes?.value) > 0, "no working set");
      expect(stats[0]?.linux?.network?.defaultInterface?.name === "eth0", "no network");
    },
  ],
  [
    "metricdescs, metricsp",
    async ({ crictl, pod, container }) => {
      const { descriptors } = JSON.parse(await crictl("metricdescs", "-o", "json"));
      const described = new Set(descriptors.map(({ name }: { name: string }) => name));
      const { podMetrics } = JSON.parse(await crictl("metricsp", "-o", "json"));
      const { metrics, containerMetrics } = podMetrics.find(
        ({ podSandboxId }: { podSandboxId: string }) => podSandboxId === pod,
      );
      const [of] = containerMetrics;
      expect(of.containerId === container, `of container ${of.containerId}`);
      for (const { name } of [...metrics, ...of.metrics]) {
        expect(described.has(name), `${name} is not described`);
      }
      expect(metrics.length > 0 && of.metrics.length > 0, "no metrics");
    },
  ],
  [
    "imagefsinfo",
    async ({ crictl }) => {
      const { status } = JSON.parse(await crictl("imagefsinfo"));
      const [images] = status.imageFilesystems;
      expect(Number(images.usedBytes.value) > 0, `file systems ${JSON.stringify(status)}`);
    },
  ],
  [
    "runtime-config, update-runtime-config",
    async ({ crictl }) => {
      const config = await crictl("runtime-config");
      expect(/^cgroup driver: *(cgroupfs|systemd)$/im.test(config), config);
      await crictl("update-runtime-config", "--pod-cidr", "10.88.0.0/16");
      const said = await refusal(crictl("update-runtime-config", "--pod-cidr", "10.88.0.0"));
      expect(said.includes("InvalidArgument"), said);
    },
  ],
  [
    "checkpoint is refused",
    async ({ crictl, container, options: { folder } }) => {
      const said = await refusal(crictl("checkpoint", "-e", `${folder}/checkpoint.tar`, container));
      expect(said.includes("Unimplemented"), said);
    },
  ],
  [
    "events",
    async ({ crictl, firstLine, pod, otherContainerFile, podFile }) => {
      const ids: string[] = [];
      const template = "{{.containerId}} {{.containerEventType}}";
      const args = ["events", "-o", "go-template", "--template", template];
      const event = await firstLine(/CONTAINER_STARTED_EVENT/, args, async () => {
        const id = (await crictl("create", pod, otherContainerFile, podFile)).trim();
        ids.push(id);
        await crictl("start", id);
        await crictl("rm", "-f", id);
      });
      expect(ids.includes(event.split(" ")[0] ?? ""), `an event of another one: ${event}`);
    },
  ],
  [
    "rmi --prune",
    async ({ crictl, options: { image, pullImage } }) => {
      await crictl("pull", pullImage);
      await crictl("rmi", "--prune");
      const { images } = JSON.parse(await crictl("images", "-o", "json"));
      const names = images.flatMap(({ repoTags }: { repoTags: string[] }) => repoTags);
      expect(!names.includes(pullImage), `${pullImage} is still there`);
      expect(names.includes(image), `${image} went although a container is made of it`);
    },
  ],
  [
    "stop, logs",
    async ({ crictl, container }) => {
      await crictl("stop", "--timeout", "0", container);
      const log = await crictl("logs", container);
      expect(log === "hello\n", `the log is ${JSON.stringify(log)}`);
    },
  ],
  [
    "rm",
    async ({ crictl, container }) => {
      await crictl("rm", container);
      expect(!(await crictl("ps", "-a", "-q", "--no-trunc")).includes(container), "still listed");
    },
  ],
  [
    "stopp, rmp",
    async ({ crictl, pod }) => {
      await crictl("stopp", pod);
      await crictl("rmp", pod);
      expect(!(await crictl("pods", "-q", "--no-trunc")).includes(pod), "still listed");
    },
  ],
];
