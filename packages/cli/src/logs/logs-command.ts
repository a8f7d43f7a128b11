import { type CriClient, CriClientError } from "@dockershim/cri-client";
import { ContainerState } from "@dockershim/cri-types";
import { InvalidArgumentError, Option } from "commander";
import { CliError } from "../cli-error.js";
import { findContainer, findPreviousContainer } from "../objects/find-container.js";
import { parseDuration } from "../output/duration.js";
import type { Terminal } from "../output/terminal.js";
import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "../runtime/runtime-options.js";
import { parseLogLine } from "./log-line.js";
import { createLogPrinter } from "./log-printer.js";
import { readLog } from "./log-reader.js";
import { parseTimestamp } from "./log-timestamp.js";

interface LogsOptions {
  follow?: boolean;
  tail?: number;
  since?: string;
  timestamps?: boolean;
  previous?: boolean;
}

/** `dockershim logs` */
export const defineLogs: DefineCommand = (command, { terminal }) => {
  command
    .argument(
      "<container>",
      "id, beginning of it, name, pod/name or namespace/pod/name; or a pod with one container",
    )
    .option("-f, --follow", "go on until the container has ended")
    .addOption(
      new Option("--tail <lines>", "only the last so many lines; -1 for all").argParser(parseTail),
    )
    .option("--since <time>", 'only what is newer than this: "10m", or an RFC 3339 time')
    .option("-t, --timestamps", "begin each line with its time")
    .option("-p, --previous", "of the container that this one has replaced");
  addDebugOption(addRuntimeOptions(command, "--timeout <duration>"));
  command.action((reference: string, options: LogsOptions) =>
    withRuntime(command, terminal, (client) => printLog(client, reference, options, terminal)),
  );
};

async function printLog(
  client: CriClient,
  reference: string,
  options: LogsOptions,
  terminal: Terminal,
): Promise<void> {
  const sinceNs = parseSince(options.since, terminal.now());
  const find = options.previous ? findPreviousContainer : findContainer;
  const { id } = await find(client, reference);
  const { status } = await client.runtime.containerStatus({ containerId: id });
  const path = status?.logPath;
  if (!path) throw new CliError("failure", `container ${id} has no log file`);

  const print = createLogPrinter({ timestamps: options.timestamps ?? false, sinceNs }, terminal);
  const lines = readLog({
    path,
    tail: Number.isFinite(options.tail) ? options.tail : undefined,
    ...(options.follow ? { mayGrow: () => mayStillWrite(client, id) } : {}),
  });
  let skipped = 0;
  try {
    for await (const line of lines) {
      const entry = parseLogLine(line);
      if (entry) await print(entry);
      else skipped += 1;
    }
  } catch (error) {
    throw explainFileError(error, path);
  }
  if (skipped > 0) {
    const lineWord = skipped === 1 ? "line" : "lines";
    terminal.stderr.write(
      `dockershim: left out ${skipped} ${lineWord} of ${path} in neither CRI's nor Docker's log format\n`,
    );
  }
}

/** A container that was not started yet has everything still to write. */
async function mayStillWrite(client: CriClient, id: string): Promise<boolean> {
  try {
    const { status } = await client.runtime.containerStatus({ containerId: id });
    return status?.state !== ContainerState.CONTAINER_EXITED;
  } catch (error) {
    if (error instanceof CriClientError && error.code === "NOT_FOUND") return false;
    throw error;
  }
}

function explainFileError(error: unknown, path: string): unknown {
  const explanations: Record<string, string> = {
    ENOENT: "there is no such file (is this the node that the container runs on?)",
    EACCES: "permission denied (it usually takes root)",
  };
  const why = explanations[(error as NodeJS.ErrnoException).code ?? ""];
  return why ? new CliError("failure", `cannot read ${path}: ${why}`, { cause: error }) : error;
}

/** Infinity for all lines: Commander makes an empty string out of undefined. */
function parseTail(text: string): number {
  if (text === "-1") return Number.POSITIVE_INFINITY;
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("It must be a number of lines, or -1.");
  return Number(text);
}

function parseSince(text: string | undefined, nowMs: number): bigint {
  if (text === undefined) return 0n;
  const time = parseTimestamp(text);
  if (time !== undefined) return time;
  return BigInt(Math.floor(nowMs - parseDuration(text, "--since"))) * 1_000_000n;
}
