import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { CriClient } from "@dockershim/cri-client";
import {
  ListContainerStatsResponseSchema,
  ListPodSandboxStatsResponseSchema,
  type MemoryUsage,
} from "@dockershim/cri-types";
import { Option } from "commander";
import { forEachReference } from "../objects/each-object.js";
import {
  createFinder,
  referenceHelp,
  typeOption,
  type WorkloadKind,
} from "../objects/find-object.js";
import { formatBinaryBytes } from "../output/byte-size.js";
import { parseDuration } from "../output/duration.js";
import {
  addOutputOption,
  messageToObject,
  type OutputFormat,
  printObject,
} from "../output/output-format.js";
import { shortId } from "../output/short-id.js";
import { formatTable } from "../output/table.js";
import { isTerminal, type Terminal } from "../output/terminal.js";
import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "../runtime/runtime-options.js";
import { type CpuRates, createCpuRates } from "./cpu-rates.js";
import { containerTable, podTable, type StatsRow, type StatsTable } from "./stats-rows.js";

const fit = {
  drop: ["inodes", "processes", "container", "pod id", "disk"],
  shrink: { name: 16, pod: 24, namespace: 12 },
};

const kinds: readonly WorkloadKind[] = ["container", "pod"];

interface StatsOptions {
  type?: WorkloadKind;
  pods?: boolean;
  watch?: boolean;
  interval: number;
  sortBy: "name" | "cpu" | "memory";
  trunc: boolean;
  output: OutputFormat;
}

interface MeasuredRow extends StatsRow {
  /** Nanoseconds of CPU time in each second. */
  readonly cpuRate: number | undefined;
}

/** How long the use of CPU is measured for, in milliseconds, where the runtime does not tell it. */
const samplingMs = 1_000;

/** `dockershim stats` */
export const defineStats: DefineCommand = (command, { terminal }) => {
  command
    .argument("[name...]", `only these; of a pod all containers (${referenceHelp})`)
    .addOption(typeOption(kinds))
    .option("-p, --pods", "a row for each pod")
    .addOption(new Option("-w, --watch", "go on until interrupted").conflicts("output"))
    .addOption(
      new Option("--interval <duration>", "with -w: time between two tables")
        .default(2_000, "2s")
        .argParser((text: string) => parseDuration(text, "--interval")),
    )
    .addOption(
      new Option("--sort-by <column>", "by name, or those with the most of it first")
        .choices(["name", "cpu", "memory"])
        .default("name"),
    )
    .option("--no-trunc", "print whole ids");
  addDebugOption(addOutputOption(addRuntimeOptions(command)));
  command.action((references: string[], options: StatsOptions) =>
    withRuntime(command, terminal, async (client) => {
      const wanted =
        references.length === 0 ? undefined : await findIds(client, references, options);
      if (options.output !== "table") {
        await printObject(await readMessage(client, wanted, options), options.output, terminal);
        return;
      }
      const table = options.pods ? podTable(client, wanted) : containerTable(client, wanted);
      await printTables(table, options, terminal);
    }),
  );
};

/** The ids of the things that there shall be rows of. */
async function findIds(
  client: CriClient,
  references: readonly string[],
  { pods, type }: StatsOptions,
): Promise<Set<string>> {
  const ids = new Set<string>();
  const find = createFinder(client, pods ? ["pod"] : type ? [type] : kinds);
  await forEachReference(references, async (reference) => {
    const { kind, id } = await find(reference);
    if (pods || kind === "container") {
      ids.add(id);
      return;
    }
    const { containers } = await client.runtime.listContainers({ filter: { podSandboxId: id } });
    for (const container of containers) ids.add(container.id);
  });
  return ids;
}

/** CRI's own message, with those that are wanted. */
async function readMessage(
  { runtime }: CriClient,
  wanted: ReadonlySet<string> | undefined,
  { pods }: StatsOptions,
): Promise<object> {
  const isWanted = ({ attributes }: { attributes?: { id: string } | undefined }): boolean =>
    wanted === undefined || wanted.has(attributes?.id ?? "");
  if (pods) {
    const list = await runtime.listPodSandboxStats({});
    list.stats = list.stats.filter(isWanted);
    return messageToObject(ListPodSandboxStatsResponseSchema, list);
  }
  const list = await runtime.listContainerStats({});
  list.stats = list.stats.filter(isWanted);
  return messageToObject(ListContainerStatsResponseSchema, list);
}

async function printTables(
  table: StatsTable,
  options: StatsOptions,
  terminal: Terminal,
): Promise<void> {
  const { stdout, stderr } = terminal;
  const rates = createCpuRates();
  const isScreen = options.watch === true && isTerminal(stdout);
  if (isScreen) stdout.write("\u001b[2J");
  for (let round = 0; ; round += 1) {
    const rows = await measure(table, rates);
    const text = format(rows, table, options, terminal);
    const written = isScreen ? onScreen(text) : `${round === 0 ? "" : "\n"}${text}`;
    if (rows.length === 0 && !options.watch) stderr.write("Nothing found that runs.\n");
    else if (!stdout.write(written)) await once(stdout, "drain");
    if (!options.watch) return;
    await delay(options.interval);
  }
}

/** Where the runtime tells no rates, a new thing's is measured for a while. */
async function measure(table: StatsTable, rates: CpuRates): Promise<MeasuredRow[]> {
  const read = async (): Promise<MeasuredRow[]> =>
    (await table.read()).map((row) => ({ ...row, cpuRate: rates.rate(row.id, row.cpu) }));
  const rows = await read();
  if (rows.every(({ cpu, cpuRate }) => cpu === undefined || cpuRate !== undefined)) return rows;
  await delay(samplingMs);
  return await read();
}

function format(
  rows: readonly MeasuredRow[],
  { header }: StatsTable,
  { sortBy, trunc }: StatsOptions,
  { stdout }: Terminal,
): string {
  const most = {
    name: () => 0,
    cpu: ({ cpuRate = -1 }: MeasuredRow) => cpuRate,
    memory: ({ memory }: MeasuredRow) => Number(memory?.workingSetBytes?.value ?? -1n),
  }[sortBy];
  const sorted = rows.toSorted((a, b) => most(b) - most(a) || (a.name < b.name ? -1 : 1));
  const columns = [...header.names, "cpu", "memory", "of limit", ...header.others];
  const cells = sorted.map(({ id, names, cpuRate, memory, others }) => [
    shortId(id, !trunc),
    ...names,
    cpuRate === undefined ? "-" : `${Math.round(cpuRate / 1e6)}m`,
    memory?.workingSetBytes ? formatBinaryBytes(memory.workingSetBytes.value) : "-",
    ofLimit(memory),
    ...others,
  ]);
  const width = trunc && isTerminal(stdout) ? stdout.columns : undefined;
  return formatTable(columns, cells, width === undefined ? undefined : { ...fit, width });
}

/** Runtimes tell what is left of a limit, and nothing or 0 where there is none. */
function ofLimit(memory: MemoryUsage | undefined): string {
  const [used, left] = [memory?.workingSetBytes?.value, memory?.availableBytes?.value];
  if (used === undefined || left === undefined || left === 0n) return "-";
  return `${Math.round((Number(used) * 100) / Number(used + left))}%`;
}

/** Over what is there, without a moment of empty screen. */
function onScreen(text: string): string {
  return `\u001b[H${text.replaceAll("\n", "\u001b[K\n")}\u001b[J`;
}
