import type { CriClient } from "@dockershim/cri-client";
import {
  type Container,
  ContainerState,
  ListContainersResponseSchema,
  type PodSandbox,
} from "@dockershim/cri-types";
import { Option } from "commander";
import { formatAge } from "./age.js";
import type { DefineCommand } from "./command-context.js";
import { containerStateName } from "./container-state.js";
import { findSandbox } from "./find-sandbox.js";
import { collectLabelSelector, type LabelSelector } from "./label-selector.js";
import {
  addOutputOption,
  messageToObject,
  type OutputFormat,
  printObject,
} from "./output-format.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "./runtime-options.js";
import { shortId } from "./short-id.js";
import { formatTable } from "./table.js";
import type { Terminal } from "./terminal.js";

interface PsOptions {
  all?: boolean;
  name?: string;
  pod?: string;
  state?: keyof typeof stateFilters;
  label?: LabelSelector;
  quiet?: boolean;
  trunc: boolean;
  output: OutputFormat;
}

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
    .option("-q, --quiet", "print ids only")
    .option("--no-trunc", "print whole ids");
  addDebugOption(addOutputOption(addRuntimeOptions(command)));
  command.action((options: PsOptions) =>
    withRuntime(command, terminal, async (client) => {
      const [list, sandboxes] = await Promise.all([
        client.runtime.listContainers({ filter: await createFilter(options, client) }),
        client.runtime.listPodSandbox({}),
      ]);
      list.containers = list.containers
        .filter((container) => matches(container, options))
        .sort((a, b) => Number(b.createdAt - a.createdAt));
      if (options.output !== "table") {
        const object = messageToObject(ListContainersResponseSchema, list);
        await printObject(object, options.output, terminal);
      } else {
        printContainers(list.containers, sandboxes.items, options, terminal);
      }
    }),
  );
};

async function createFilter({ all, state, pod, label }: PsOptions, client: CriClient) {
  const wanted = state ?? (all ? undefined : "running");
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

function printContainers(
  containers: readonly Container[],
  sandboxes: readonly PodSandbox[],
  options: PsOptions,
  terminal: Terminal,
): void {
  if (options.quiet) {
    for (const { id } of containers) terminal.stdout.write(`${id}\n`);
    return;
  }
  if (containers.length === 0) {
    terminal.stderr.write(
      options.all || options.state
        ? "No containers found.\n"
        : "No running containers found; -a shows the others.\n",
    );
    return;
  }
  const pods = new Map(sandboxes.map((sandbox) => [sandbox.id, sandbox.metadata]));
  const rows = containers.map(({ id, image, metadata, state, createdAt, podSandboxId }) => {
    const pod = pods.get(podSandboxId);
    return [
      shortId(id, !options.trunc),
      showImage(image?.userSpecifiedImage || image?.image || "", options),
      formatAge(createdAt, terminal.now()),
      containerStateName(state),
      metadata?.name ?? "",
      String(metadata?.attempt ?? 0),
      shortId(podSandboxId, !options.trunc),
      pod ? `${pod.namespace}/${pod.name}` : "<unknown>",
    ];
  });
  const header = ["container", "image", "age", "state", "name", "attempt", "pod id", "pod"];
  terminal.stdout.write(formatTable(header, rows));
}

function showImage(image: string, { trunc }: PsOptions): string {
  return /^(sha256:)?[0-9a-f]{64}$/.test(image) ? shortId(image, !trunc) : image;
}
