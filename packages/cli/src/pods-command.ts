import {
  ListPodSandboxResponseSchema,
  type PodSandbox,
  PodSandboxState,
} from "@dockershim/cri-types";
import { Option } from "commander";
import { formatAge } from "./age.js";
import type { DefineCommand } from "./command-context.js";
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

interface PodsOptions {
  name?: string;
  namespace?: string;
  state?: "ready" | "notready";
  label?: LabelSelector;
  quiet?: boolean;
  trunc: boolean;
  output: OutputFormat;
}

/** `dockershim pods` */
export const definePods: DefineCommand = (command, { terminal }) => {
  command
    .option("--name <name>", "only pods of this name")
    .option("-n, --namespace <namespace>", "only pods of this namespace")
    .addOption(
      new Option("--state <state>", "only pods in this state").choices(["ready", "notready"]),
    )
    .addOption(
      new Option(
        "-l, --label <selector>",
        'only pods with these labels: "a=b,c!=d", "e in (f,g)", "h,!i" (repeatable)',
      ).argParser(collectLabelSelector),
    )
    .option("-q, --quiet", "print ids only")
    .option("--no-trunc", "print whole ids");
  addDebugOption(addOutputOption(addRuntimeOptions(command)));
  command.action((options: PodsOptions) =>
    withRuntime(command, terminal, async (client) => {
      const list = await client.runtime.listPodSandbox({ filter: createFilter(options) });
      list.items = list.items
        .filter((pod) => matches(pod, options))
        .sort((a, b) => Number(b.createdAt - a.createdAt));
      if (options.output !== "table") {
        const object = messageToObject(ListPodSandboxResponseSchema, list);
        await printObject(object, options.output, terminal);
      } else {
        printPods(list.items, options, terminal);
      }
    }),
  );
};

function createFilter({ state, label }: PodsOptions) {
  const states = {
    ready: PodSandboxState.SANDBOX_READY,
    notready: PodSandboxState.SANDBOX_NOTREADY,
  };
  return {
    ...(state ? { state: { state: states[state] } } : {}),
    ...(label ? { labelSelector: label.equal } : {}),
  };
}

/** CRI's filter knows neither names nor namespaces, and of labels only equality. */
function matches(
  { metadata, labels }: PodSandbox,
  { name, namespace, label }: PodsOptions,
): boolean {
  return (
    (name === undefined || metadata?.name === name) &&
    (namespace === undefined || metadata?.namespace === namespace) &&
    (label === undefined || label.matches(labels))
  );
}

function printPods(pods: readonly PodSandbox[], options: PodsOptions, terminal: Terminal): void {
  if (options.quiet) {
    for (const { id } of pods) terminal.stdout.write(`${id}\n`);
    return;
  }
  if (pods.length === 0) {
    terminal.stderr.write("No pods found.\n");
    return;
  }
  const rows = pods.map(({ id, metadata, state, createdAt, runtimeHandler }) => [
    shortId(id, !options.trunc),
    metadata?.namespace ?? "",
    metadata?.name ?? "",
    state === PodSandboxState.SANDBOX_READY ? "Ready" : "NotReady",
    formatAge(createdAt, terminal.now()),
    String(metadata?.attempt ?? 0),
    runtimeHandler || "(default)",
  ]);
  const header = ["pod id", "namespace", "name", "state", "age", "attempt", "runtime"];
  terminal.stdout.write(formatTable(header, rows));
}
