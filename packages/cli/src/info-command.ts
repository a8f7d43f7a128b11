import { CriClientError } from "@dockershim/cri-client";
import {
  type StatusResponse,
  StatusResponseSchema,
  type VersionResponse,
} from "@dockershim/cri-types";
import type { DefineCommand } from "./command-context.js";
import {
  addOutputOption,
  formatYaml,
  messageToObject,
  type OutputFormat,
  printObject,
} from "./output-format.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "./runtime-options.js";
import { formatTable } from "./table.js";
import { describeVersion } from "./version-command.js";

/** `dockershim info` */
export const defineInfo: DefineCommand = (command, { terminal }) => {
  addDebugOption(addOutputOption(addRuntimeOptions(command)));
  command.action((options: { output: OutputFormat }) =>
    withRuntime(command, terminal, async (client) => {
      const [version, status] = await Promise.all([
        client.runtime.version({}).catch(ignoreUnavailable),
        client.runtime.status({ verbose: true }),
      ]);
      const info = readInfo(status.info);
      if (options.output !== "table") {
        const object = { ...messageToObject(StatusResponseSchema, status), info };
        await printObject(object, options.output, terminal);
      } else {
        terminal.stdout.write(describeRuntime(client.endpoint, version, status));
        if (Object.keys(info).length > 0) {
          terminal.stdout.write(`\nDetails:\n${indent(await formatYaml(info))}`);
        }
      }
    }),
  );
};

/** A runtime whose engine is down knows no version but still has a status to tell. */
function ignoreUnavailable(error: unknown): undefined {
  if (error instanceof CriClientError && error.code === "UNAVAILABLE") return;
  throw error;
}

/** The values of `info` are JSON by CRI's rule, which not every runtime keeps. */
function readInfo(info: StatusResponse["info"]): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(info).map(([key, value]) => {
      try {
        return [key, JSON.parse(value)];
      } catch {
        return [key, value];
      }
    }),
  );
}

function describeRuntime(
  endpoint: string,
  version: VersionResponse | undefined,
  { status, runtimeHandlers, features }: StatusResponse,
): string {
  const conditions = (status?.conditions ?? []).map((condition) => [
    condition.type,
    condition.status ? "True" : "False",
    condition.reason,
    condition.message,
  ]);
  const handlers = runtimeHandlers.map((handler) => [
    handler.name || "(default)",
    yesNo(handler.features?.recursiveReadOnlyMounts),
    yesNo(handler.features?.userNamespaces),
  ]);
  const parts = [
    `Runtime:    ${version ? describeVersion(version) : "unknown, it could not tell its version"}`,
    `Endpoint:   ${endpoint}`,
    `Features:   supplemental groups policy: ${yesNo(features?.supplementalGroupsPolicy)}`,
    "",
    "Conditions:",
    indent(formatTable(["type", "status", "reason", "message"], conditions)).trimEnd(),
  ];
  if (handlers.length > 0) {
    const header = ["name", "recursive read-only", "user namespaces"];
    parts.push("", "Runtime handlers:", indent(formatTable(header, handlers)).trimEnd());
  }
  return `${parts.join("\n")}\n`;
}

function yesNo(value: boolean | undefined): string {
  return value ? "yes" : "no";
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}
