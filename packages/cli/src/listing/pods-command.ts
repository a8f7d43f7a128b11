import type { CriClient } from "@dockershim/cri-client";
import {
  ListPodSandboxResponseSchema,
  type PodSandbox,
  PodSandboxState,
} from "@dockershim/cri-types";
import { Option } from "commander";
import { ignoreNotFound } from "../objects/ignore-not-found.js";
import { collectLabelSelector, type LabelSelector } from "../objects/label-selector.js";
import { podAddresses } from "../objects/pod-addresses.js";
import { formatAge } from "../output/age.js";
import { addListOptions, byText, type ListFormat, parseCount } from "../output/list-options.js";
import { printTable } from "../output/list-table.js";
import { isObjectFormat, messageToObject, printObject } from "../output/output-format.js";
import { shortId } from "../output/short-id.js";
import type { Terminal } from "../output/terminal.js";
import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "../runtime/runtime-options.js";

interface PodsOptions {
  name?: string;
  namespace?: string;
  state?: "ready" | "notready";
  label?: LabelSelector;
  quiet?: boolean;
  trunc: boolean;
  last?: number;
  sortBy: keyof typeof orders;
  output: ListFormat;
}

const fit = { drop: ["runtime", "attempt", "age"], shrink: { namespace: 12, name: 24 } };

const orders = {
  created: (a: PodSandbox, b: PodSandbox) => Number(b.createdAt - a.createdAt),
  name: byText(({ metadata }: PodSandbox) => metadata?.name ?? ""),
  namespace: byText(fullName),
  state: byText(stateOf),
};

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
    .addOption(
      new Option("--last <count>", "only the so many newest of them").argParser(parseCount),
    );
  addDebugOption(addListOptions(addRuntimeOptions(command), Object.keys(orders)));
  command.action((options: PodsOptions) =>
    withRuntime(command, terminal, async (client) => {
      const list = await client.runtime.listPodSandbox({ filter: createFilter(options) });
      list.items = list.items
        .filter((pod) => matches(pod, options))
        .sort(orders.created)
        .slice(0, options.last)
        .sort(orders[options.sortBy]);
      if (isObjectFormat(options.output)) {
        const object = messageToObject(ListPodSandboxResponseSchema, list);
        await printObject(object, options.output, terminal);
      } else {
        await printPods(client, list.items, options, terminal);
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

async function printPods(
  client: CriClient,
  pods: readonly PodSandbox[],
  options: PodsOptions,
  terminal: Terminal,
): Promise<void> {
  const { stdout, stderr, now } = terminal;
  if (options.quiet || options.output === "name") {
    const shown = options.quiet ? ({ id }: PodSandbox) => id : fullName;
    for (const pod of pods) stdout.write(`${shown(pod)}\n`);
    return;
  }
  if (pods.length === 0) {
    stderr.write("No pods found.\n");
    return;
  }
  const wide = options.output === "wide";
  const rows = await Promise.all(
    pods.map(async (pod) => {
      const { id, metadata, createdAt, runtimeHandler } = pod;
      return [
        shortId(id, !options.trunc),
        metadata?.namespace ?? "",
        metadata?.name ?? "",
        stateOf(pod),
        formatAge(createdAt, now()),
        String(metadata?.attempt ?? 0),
        runtimeHandler || "(default)",
        ...(wide ? [await addressesOf(client, id), metadata?.uid ?? ""] : []),
      ];
    }),
  );
  const header = ["pod id", "namespace", "name", "state", "age", "attempt", "runtime"];
  if (wide) header.push("addresses", "uid");
  printTable(header, rows, wide || !options.trunc ? undefined : fit, terminal);
}

/** CRI's list has none. */
async function addressesOf(client: CriClient, podSandboxId: string): Promise<string> {
  const reply = await client.runtime.podSandboxStatus({ podSandboxId }).catch(ignoreNotFound);
  return (reply?.status && podAddresses(reply.status)) || "-";
}

function stateOf({ state }: PodSandbox): string {
  return state === PodSandboxState.SANDBOX_READY ? "Ready" : "NotReady";
}

function fullName({ metadata }: PodSandbox): string {
  return `${metadata?.namespace}/${metadata?.name}`;
}
