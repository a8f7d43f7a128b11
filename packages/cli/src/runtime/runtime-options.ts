import { existsSync } from "node:fs";
import type { CriClient, CriClientError as Unanswered } from "@dockershim/cri-client";
import { type Command, Option } from "commander";
import { CliError } from "../cli-error.js";
import { parseDuration } from "../output/duration.js";
import type { Terminal } from "../output/terminal.js";
import { readCrictlConfig } from "./crictl-config.js";
import { withWaitingLine } from "./waiting-client.js";

/** Where a dockershim listens that was not told otherwise. */
export const defaultEndpoint = "unix:///run/dockershim/dockershim.sock";

/** And where one that takes cri-dockerd's place listens. */
const criDockerdEndpoint = "unix:///var/run/cri-dockerd.sock";

const endpointVariable = "CONTAINER_RUNTIME_ENDPOINT";
const imageEndpointVariable = "IMAGE_SERVICE_ENDPOINT";

interface RuntimeOptions {
  runtimeEndpoint?: string;
  imageEndpoint?: string;
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
        `CRI socket of the runtime (default: $${endpointVariable}, or that of /etc/crictl.yaml, or ${defaultEndpoint}, or cri-dockerd's)`,
      ),
    )
    .addOption(
      new Option(
        "--image-endpoint <endpoint>",
        `CRI socket for images, where it is another one (default: $${imageEndpointVariable}, or that of /etc/crictl.yaml)`,
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
  const { endpoint, imageEndpoint, timeoutMs, namedBy } = await chooseRuntime(command, terminal);
  const { createCriClient, CriClientError } = await import("@dockershim/cri-client");
  const timeout = timeoutMs === undefined ? {} : { timeoutMs };
  const client = createCriClient({ endpoint, ...timeout });
  const images =
    imageEndpoint === endpoint ? client : createCriClient({ endpoint: imageEndpoint, ...timeout });
  try {
    return await work(withWaitingLine({ ...client, image: images.image }, terminal));
  } catch (error) {
    if (!(error instanceof CriClientError)) throw error;
    const hint = hintFor(error, namedBy);
    if (hint === undefined) throw error;
    throw new CliError("failure", `${error.message}; ${hint}`, { cause: error });
  } finally {
    client.close();
    images.close();
  }
}

/** What to do next about a runtime that has not answered. */
function hintFor(error: Unanswered, namedBy: string | undefined): string | undefined {
  const source = namedBy === undefined ? "" : `${namedBy} names this one, `;
  switch (error.reason) {
    case "missing":
    case "not-grpc":
      return `${source}--runtime-endpoint names another socket`;
    case "refused":
      return "start the runtime, as with systemctl start dockershim";
    case "closed":
      return "was the runtime stopped? its log tells, as with journalctl -u dockershim";
    case "permission":
      return undefined;
    default:
      return error.code === "DEADLINE_EXCEEDED" && error.message.includes("no answer from")
        ? "--timeout waits longer for queries, and the runtime's log tells what keeps it"
        : undefined;
  }
}

/** Whether a flag or a variable says which runtime is meant. */
export function isRuntimeNamed(command: Command, { env }: Terminal): boolean {
  return (
    (command.optsWithGlobals<RuntimeOptions>().runtimeEndpoint ?? env[endpointVariable] ?? "") !==
    ""
  );
}

interface ChosenRuntime {
  readonly endpoint: string;
  readonly imageEndpoint: string;
  /** Milliseconds; undefined for the client's default. */
  readonly timeoutMs: number | undefined;
  /** The file that names the endpoint, where one does. */
  readonly namedBy: string | undefined;
}

/**
 * Flags come before variables, and those before crictl's file. A socket for images counts together with that of the
 * runtime beside it: who names another runtime does not mean the images of the first one.
 */
async function chooseRuntime(command: Command, terminal: Terminal): Promise<ChosenRuntime> {
  // Given before or after the command's name, as with crictl.
  const flags = command.optsWithGlobals<RuntimeOptions>();
  const { env } = terminal;
  const named = flags.runtimeEndpoint ?? (env[endpointVariable] || undefined);
  const isAllSaid = named !== undefined && flags.timeout !== undefined;
  const file = isAllSaid ? undefined : await readCrictlConfig(terminal);
  const fromFile = named === undefined ? file?.runtimeEndpoint : undefined;
  const endpoint = named ?? fromFile ?? likelyEndpoint();
  const besideIt =
    flags.runtimeEndpoint === undefined
      ? env[imageEndpointVariable] || (named === undefined ? file?.imageEndpoint : undefined)
      : undefined;
  return {
    endpoint,
    imageEndpoint: flags.imageEndpoint ?? besideIt ?? endpoint,
    timeoutMs: flags.timeout ?? file?.timeoutMs,
    namedBy: fromFile === undefined ? undefined : file?.file,
  };
}

/** The usual socket, unless there is only the other one. */
function likelyEndpoint(): string {
  const isThere = (endpoint: string): boolean => existsSync(endpoint.slice("unix://".length));
  return !isThere(defaultEndpoint) && isThere(criDockerdEndpoint)
    ? criDockerdEndpoint
    : defaultEndpoint;
}
