import { once } from "node:events";
import {
  type ContainerEventResponse,
  ContainerEventResponseSchema,
  ContainerEventType,
} from "@dockershim/cri-types";
import { Option } from "commander";
import { CliError } from "../cli-error.js";
import { messageToObject } from "../output/output-format.js";
import { shortId } from "../output/short-id.js";
import { oneLine } from "../output/table.js";
import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "../runtime/runtime-options.js";
import { describeExitCode } from "./description.js";

interface EventsOptions {
  trunc: boolean;
  output: "lines" | "json";
}

const typeNames: Record<ContainerEventType, string> = {
  [ContainerEventType.CONTAINER_CREATED_EVENT]: "created",
  [ContainerEventType.CONTAINER_STARTED_EVENT]: "started",
  [ContainerEventType.CONTAINER_STOPPED_EVENT]: "stopped",
  [ContainerEventType.CONTAINER_DELETED_EVENT]: "deleted",
};

/** `dockershim events` */
export const defineEvents: DefineCommand = (command, { terminal }) => {
  command
    .option(
      "-w, --watch",
      "go on until interrupted, which is the case anyway: CRI keeps no past events",
    )
    .addOption(
      new Option("-o, --output <format>", "how to print; json is CRI's message, one on each line")
        .choices(["lines", "json"])
        .default("lines"),
    )
    .option("--no-trunc", "print whole ids");
  addDebugOption(addRuntimeOptions(command));
  command.action((options: EventsOptions) =>
    withRuntime(command, terminal, async (client) => {
      for await (const event of client.runtime.getContainerEvents({})) {
        const line =
          options.output === "json"
            ? JSON.stringify(messageToObject(ContainerEventResponseSchema, event))
            : formatEvent(event, options);
        if (!terminal.stdout.write(`${line}\n`)) await once(terminal.stdout, "drain");
      }
      throw new CliError("failure", "the runtime has ended its events");
    }),
  );
};

/** A line: when, what, whose, which, and how it ended. */
function formatEvent(event: ContainerEventResponse, { trunc }: EventsOptions): string {
  const { containerId, containerEventType, createdAt } = event;
  const time = new Date(Number(createdAt / 1_000_000n)).toISOString();
  const words = [
    time,
    (typeNames[containerEventType] ?? "unknown").padEnd(7),
    shortId(containerId, !trunc),
    nameOf(event),
    describeEnd(event),
  ];
  return oneLine(words.filter((word) => word !== "").join("   "));
}

/** Runtimes tell events of sandboxes by the sandbox's own id; a deleted one may have no name any more. */
function nameOf({
  containerId,
  podSandboxStatus,
  containersStatuses,
}: ContainerEventResponse): string {
  const pod = podSandboxStatus?.metadata;
  const podName = pod ? `${pod.namespace}/${pod.name}` : "";
  if (podSandboxStatus?.id === containerId) return `pod ${podName}`;
  const name = containersStatuses.find(({ id }) => id === containerId)?.metadata?.name;
  return ["container", [podName, name].filter(Boolean).join("/")].filter(Boolean).join(" ");
}

function describeEnd({
  containerId,
  containerEventType,
  containersStatuses,
}: ContainerEventResponse): string {
  if (containerEventType !== ContainerEventType.CONTAINER_STOPPED_EVENT) return "";
  const status = containersStatuses.find(({ id }) => id === containerId);
  if (status === undefined) return "";
  return `exit code ${describeExitCode(status.exitCode)}${status.reason && `, ${status.reason}`}`;
}
