import type { CriClient } from "@dockershim/cri-client";
import {
  type Container,
  ContainerState,
  type Image,
  ListContainersResponseSchema,
  type PodSandboxMetadata,
} from "@dockershim/cri-types";
import { Option } from "commander";
import { describeExitCode } from "../describe/description.js";
import { containerStateName } from "../objects/container-state.js";
import { findImage } from "../objects/find-image.js";
import { findSandbox } from "../objects/find-sandbox.js";
import { ignoreNotFound } from "../objects/ignore-not-found.js";
import { isMadeOf } from "../objects/image-use.js";
import { collectLabelSelector, type LabelSelector } from "../objects/label-selector.js";
import { formatAge } from "../output/age.js";
import { addListOptions, byText, type ListFormat, parseCount } from "../output/list-options.js";
import { printTable } from "../output/list-table.js";
import { isObjectFormat, messageToObject, printObject } from "../output/output-format.js";
import { shortId } from "../output/short-id.js";
import type { Terminal } from "../output/terminal.js";
import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "../runtime/runtime-options.js";

interface PsOptions {
  all?: boolean;
  name?: string;
  pod?: string;
  state?: keyof typeof stateFilters;
  label?: LabelSelector;
  quiet?: boolean;
  trunc: boolean;
  image?: string;
  last?: number;
  sortBy: (typeof sortColumns)[number];
  output: ListFormat;
}

const sortColumns = ["created", "name", "image", "state", "pod"] as const;

/** The pod's name tells more than its id. */
const fit = {
  drop: ["pod id", "attempt", "image", "age"],
  shrink: { image: 20, name: 16, pod: 24 },
};

const stateFilters = {
  created: ContainerState.CONTAINER_CREATED,
  running: ContainerState.CONTAINER_RUNNING,
  exited: ContainerState.CONTAINER_EXITED,
  unknown: ContainerState.CONTAINER_UNKNOWN,
};

/** `dockershim ps` */
export const definePs: DefineCommand = (command, { terminal }) => {
  command
    .option("-a, --all", "containers in any state")
    .option("--name <name>", "only containers of this name")
    .option("-p, --pod <pod>", "only containers of this pod (id, beginning of it, or name)")
    .addOption(
      new Option("--state <state>", "only containers in this state").choices(
        Object.keys(stateFilters),
      ),
    )
    .addOption(
      new Option(
        "-l, --label <selector>",
        'only those with these labels: "a=b,c!=d", "e in (f,g)", "h,!i" (repeatable)',
      ).argParser(collectLabelSelector),
    )
    .option("--image <image>", "only containers of this image (id, beginning of it, or name)")
    .addOption(
      new Option("--last <count>", "only the so many newest, in any state").argParser(parseCount),
    );
  addDebugOption(addListOptions(addRuntimeOptions(command), sortColumns));
  command.action((options: PsOptions) =>
    withRuntime(command, terminal, async (client) => {
      const [list, sandboxes, image] = await Promise.all([
        client.runtime.listContainers({ filter: await createFilter(options, client) }),
        client.runtime.listPodSandbox({}),
        options.image === undefined ? undefined : findImage(client, options.image),
      ]);
      const pods = new Map(sandboxes.items.map((sandbox) => [sandbox.id, sandbox.metadata]));
      list.containers = list.containers
        .filter((container) => matches(container, options) && isOfImage(container, image, options))
        .sort(newestFirst)
        .slice(0, options.last)
        .sort(orderOf(options.sortBy, pods));
      if (isObjectFormat(options.output)) {
        const object = messageToObject(ListContainersResponseSchema, list);
        await printObject(object, options.output, terminal);
      } else {
        await printContainers(client, list.containers, pods, options, terminal);
      }
    }),
  );
};

type Pods = ReadonlyMap<string, PodSandboxMetadata | undefined>;

function newestFirst(a: Container, b: Container): number {
  return Number(b.createdAt - a.createdAt);
}

function orderOf(column: PsOptions["sortBy"], pods: Pods): (a: Container, b: Container) => number {
  switch (column) {
    case "created":
      return newestFirst;
    case "name":
      return byText(({ metadata }) => metadata?.name ?? "");
    case "image":
      return byText(imageOf);
    case "state":
      return byText(({ state }) => containerStateName(state));
    case "pod":
      return byText(({ podSandboxId }) => podName(pods.get(podSandboxId)));
  }
}

async function createFilter({ all, last, state, pod, label }: PsOptions, client: CriClient) {
  const wanted = state ?? (all || last !== undefined ? undefined : "running");
  return {
    ...(wanted ? { state: { state: stateFilters[wanted] } } : {}),
    ...(pod === undefined ? {} : { podSandboxId: (await findSandbox(client, pod)).id }),
    ...(label ? { labelSelector: label.equal } : {}),
  };
}

/** CRI's filter does not know names, and of labels only equality. */
function matches({ metadata, labels }: Container, { name, label }: PsOptions): boolean {
  return (
    (name === undefined || metadata?.name === name) &&
    (label === undefined || label.matches(labels))
  );
}

/** An image that is gone may still have a name in its containers. */
function isOfImage(container: Container, image: Image | undefined, options: PsOptions): boolean {
  if (options.image === undefined) return true;
  return image ? isMadeOf(container, image) : imageOf(container) === options.image;
}

async function printContainers(
  client: CriClient,
  containers: readonly Container[],
  pods: Pods,
  options: PsOptions,
  terminal: Terminal,
): Promise<void> {
  const { stdout, stderr, now } = terminal;
  if (options.quiet || options.output === "name") {
    for (const { id, metadata, podSandboxId } of containers) {
      const pod = pods.get(podSandboxId);
      const name = pod ? `${podName(pod)}/${metadata?.name}` : id;
      stdout.write(`${options.quiet ? id : name}\n`);
    }
    return;
  }
  if (containers.length === 0) {
    stderr.write(
      options.all || options.state || options.last
        ? "No containers found.\n"
        : "No running containers found; -a shows the others.\n",
    );
    return;
  }
  const wide = options.output === "wide";
  const rows = await Promise.all(
    containers.map(async (container) => {
      const { id, metadata, state, createdAt, podSandboxId, imageId } = container;
      return [
        shortId(id, !options.trunc),
        showImage(imageOf(container), options),
        formatAge(createdAt, now()),
        containerStateName(state),
        metadata?.name ?? "",
        String(metadata?.attempt ?? 0),
        shortId(podSandboxId, !options.trunc),
        podName(pods.get(podSandboxId)),
        ...(wide ? [shortId(imageId, !options.trunc), ...(await describeEnd(client, id))] : []),
      ];
    }),
  );
  const header = ["container", "image", "age", "state", "name", "attempt", "pod id", "pod"];
  if (wide) header.push("image id", "exit code", "reason");
  printTable(header, rows, wide || !options.trunc ? undefined : fit, terminal);
}

/** CRI's list does not tell how a container has ended. */
async function describeEnd(
  client: CriClient,
  containerId: string,
): Promise<[exitCode: string, reason: string]> {
  const reply = await client.runtime.containerStatus({ containerId }).catch(ignoreNotFound);
  const { finishedAt = 0n, exitCode = 0, reason = "" } = reply?.status ?? {};
  return [finishedAt > 0n ? describeExitCode(exitCode) : "-", reason || "-"];
}

function imageOf({ image }: Container): string {
  return image?.userSpecifiedImage || image?.image || "";
}

function podName(pod: PodSandboxMetadata | undefined): string {
  return pod ? `${pod.namespace}/${pod.name}` : "<unknown>";
}

function showImage(image: string, { trunc }: PsOptions): string {
  return /^(sha256:)?[0-9a-f]{64}$/.test(image) ? shortId(image, !trunc) : image;
}
