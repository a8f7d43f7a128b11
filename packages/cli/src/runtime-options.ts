import { existsSync } from "node:fs";
import type { CriClient } from "@dockershim/cri-client";
import { type Command, Option } from "commander";
import { CliError } from "./cli-error.js";
import { parseDuration } from "./duration.js";
import type { Terminal } from "./terminal.js";

/** Where a dockershim listens that was not told otherwise. */
export const defaultEndpoint = "unix:///run/dockershim/dockershim.sock";

/** And where one that takes cri-dockerd's place listens. */
const criDockerdEndpoint = "unix:///var/run/cri-dockerd.sock";

const endpointVariable = "CONTAINER_RUNTIME_ENDPOINT";

interface RuntimeOptions {
  runtimeEndpoint?: string;
  timeout?: number;
}

/** Adds `--debug`, which is understood before and after a command's name. */
export function addDebugOption(command: Command): Command {
  return command.option("--debug", "print the stack trace of an error");
}

/**
 * Adds the options that say which runtime to ask.
 *
 * @param timeoutFlags Where `-t` means something else.
 */
export function addRuntimeOptions(
  command: Command,
  timeoutFlags = "-t, --timeout <duration>",
): Command {
  return command
    .addOption(
      new Option(
        "-r, --runtime-endpoint <endpoint>",
        `CRI socket of the runtime (default: $${endpointVariable}, or ${defaultEndpoint}, or cri-dockerd's)`,
      ),
    )
    .addOption(
      new Option(timeoutFlags, "longest wait for an answer to a query (default: 2s)").argParser(
        (text: string) => parseDuration(text, "--timeout"),
      ),
    );
}

/**
 * Runs a command's work with a client, which it closes afterwards.
 *
 * @throws CliError failure where there is no such socket, and whatever the work throws.
 */
export async function withRuntime<Result>(
  command: Command,
  terminal: Terminal,
  work: (client: CriClient) => Promise<Result>,
): Promise<Result> {
  // Given before or after the command's name, as with crictl.
  const { runtimeEndpoint, timeout } = command.optsWithGlobals<RuntimeOptions>();
  const { createCriClient, CriClientError } = await import("@dockershim/cri-client");
  const client = createCriClient({
    endpoint: runtimeEndpoint ?? (terminal.env[endpointVariable] || likelyEndpoint()),
    ...(timeout === undefined ? {} : { timeoutMs: timeout }),
  });
  try {
    return await work(client);
  } catch (error) {
    if (!(error instanceof CriClientError) || error.reason !== "missing") throw error;
    throw new CliError("failure", `${error.message}; --runtime-endpoint names another socket`, {
      cause: error,
    });
  } finally {
    client.close();
  }
}

/** The usual socket, unless there is only the other one. */
function likelyEndpoint(): string {
  const isThere = (endpoint: string): boolean => existsSync(endpoint.slice("unix://".length));
  return !isThere(defaultEndpoint) && isThere(criDockerdEndpoint)
    ? criDockerdEndpoint
    : defaultEndpoint;
}
