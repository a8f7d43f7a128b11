import { type CriClient, CriClientError } from "@dockershim/cri-client";
import { type VersionResponse, VersionResponseSchema } from "@dockershim/cri-types";
import { exitCodes } from "../cli-error.js";
import { cliVersion } from "../cli-version.js";
import {
  addOutputOption,
  messageToObject,
  type OutputFormat,
  printObject,
} from "../output/output-format.js";
import type { DefineCommand } from "../runtime/command-context.js";
import {
  addDebugOption,
  addRuntimeOptions,
  isRuntimeNamed,
  withRuntime,
} from "../runtime/runtime-options.js";

/** `dockershim version` */
export const defineVersion: DefineCommand = (command, { terminal, setExitCode }) => {
  addDebugOption(addOutputOption(addRuntimeOptions(command)));
  command.action((options: { output: OutputFormat }) =>
    withRuntime(command, terminal, async (client) => {
      const runtime = await askRuntime(client);
      if (runtime instanceof CriClientError && isRuntimeNamed(command, terminal)) {
        setExitCode(exitCodes.failure);
      }
      if (options.output !== "table") {
        const object = {
          client: { version: cliVersion, node: process.versions.node },
          runtime:
            runtime instanceof CriClientError
              ? null
              : { endpoint: client.endpoint, ...messageToObject(VersionResponseSchema, runtime) },
        };
        await printObject(object, options.output, terminal);
        return;
      }
      const about =
        runtime instanceof CriClientError
          ? `none (${runtime.message})`
          : `${describeVersion(runtime)}, at ${client.endpoint}`;
      terminal.stdout.write(
        `Client:    dockershim ${cliVersion}, Node ${process.versions.node}\nRuntime:   ${about}\n`,
      );
    }),
  );
};

/** A runtime that doesn't answer is part of the answer here, and a failure where it was asked for by name. */
async function askRuntime(client: CriClient) {
  try {
    return await client.runtime.version({});
  } catch (error) {
    if (error instanceof CriClientError) return error;
    throw error;
  }
}

/** A runtime's name and versions for people to read. */
export function describeVersion(version: VersionResponse): string {
  return `${version.runtimeName} ${version.runtimeVersion}, CRI ${version.runtimeApiVersion}`;
}
