import { type CriClient, CriClientError } from "@dockershim/cri-client";
import { type PodTimeline, PodTimelineSchema, Timelines } from "@dockershim/cri-types/timelines";
import { Option } from "commander";
import { CliError } from "../cli-error.js";
import { notFound } from "../objects/find-by-reference.js";
import { ignoreNotFound } from "../objects/ignore-not-found.js";
import { columnsOf } from "../output/field-rows.js";
import {
  addOutputOption,
  messageToObject,
  type OutputFormat,
  printObject,
} from "../output/output-format.js";
import { hasColour, type Terminal } from "../output/terminal.js";
import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "../runtime/runtime-options.js";
import { firstLogLineAt } from "./first-log-line.js";
import { timelineHtml } from "./timeline-html.js";
import { type Mark, toStretches } from "./timeline-stretches.js";
import { timelineText } from "./timeline-text.js";

interface TimelineOptions {
  html?: boolean;
  output: OutputFormat;
}

/** `dockershim timeline` */
export const defineTimeline: DefineCommand = (command, { terminal }) => {
  command
    .argument("<pod>", "id, beginning of it, or name, as namespace/pod; a removed one too")
    .addOption(
      new Option("--html", "print a page with a picture, which needs no network").conflicts(
        "output",
      ),
    );
  addDebugOption(addOutputOption(addRuntimeOptions(command)));
  command.addHelpText(
    "after",
    `
The daemon keeps the timelines of its last thousand pods in memory; other
runtimes keep none.

Example:
  dockershim timeline --html web > web.html`,
  );
  command.action((reference: string, options: TimelineOptions) =>
    withRuntime(command, terminal, async (client) => {
      const pods = await listTimelines(client, reference);
      if (options.output !== "table") {
        const objects = pods.map((pod) => messageToObject(PodTimelineSchema, pod));
        await printObject({ pods: objects }, options.output, terminal);
        return;
      }
      const drawn = await Promise.all(
        pods.map(async (pod) => ({ pod, stretches: toStretches(pod, await marksOf(client, pod)) })),
      );
      terminal.stdout.write(options.html ? timelineHtml(drawn) : textOf(drawn, terminal));
    }),
  );
};

/** Of several sandboxes of one pod all, the newest first. */
async function listTimelines(client: CriClient, reference: string): Promise<PodTimeline[]> {
  try {
    const { pods } = await client.service(Timelines).listPodTimelines({ pod: reference });
    const names = new Set(pods.map(({ namespace, name }) => `${namespace}/${name}`));
    if (names.size > 1) {
      const all = [...names].join(", ");
      throw new CliError("ambiguous", `"${reference}" could be several pods: ${all}`);
    }
    if (pods.length > 0) return pods;
  } catch (error) {
    if (!(error instanceof CriClientError) || error.code !== "UNIMPLEMENTED") throw error;
    const who = `the runtime at ${client.endpoint}`;
    throw new CliError("failure", `${who} keeps no timelines; dockershim's daemon does`, {
      cause: error,
    });
  }
  const { items } = await client.runtime.listPodSandbox({});
  const names = items.map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`);
  if (names.some((name) => name === reference || name.endsWith(`/${reference}`))) {
    const why = "it was there before the daemon was started, or too many have come since";
    throw new CliError("not-found", `nothing is known of the start of ${reference}: ${why}`);
  }
  throw notFound(reference, "pod", names);
}

/** What the containers that are still there have to add. */
async function marksOf({ runtime }: CriClient, { podSandboxId }: PodTimeline): Promise<Mark[]> {
  if (podSandboxId === "") return [];
  const { containers } = await runtime.listContainers({ filter: { podSandboxId } });
  const marks = await Promise.all(
    containers.map(async ({ id, metadata }): Promise<Mark[]> => {
      const reply = await runtime.containerStatus({ containerId: id }).catch(ignoreNotFound);
      const path = reply?.status?.logPath;
      const at = path ? await firstLogLineAt(path) : undefined;
      const container = metadata?.name ?? "";
      return at === undefined ? [] : [{ name: "first log line of", container, at }];
    }),
  );
  return marks.flat();
}

function textOf(
  drawn: readonly { pod: PodTimeline; stretches: ReturnType<typeof toStretches> }[],
  terminal: Terminal,
): string {
  const [width, colour] = [columnsOf(terminal), hasColour(terminal)];
  return drawn.map(({ pod, stretches }) => timelineText(pod, stretches, width, colour)).join("\n");
}
