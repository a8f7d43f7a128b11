import type { StatusResponse, VersionResponse } from "@dockershim/cri-types";
import { formatBytes } from "../output/byte-size.js";
import { formatDuration } from "../output/duration.js";
import { formatFields } from "../output/field-rows.js";
import { formatObject } from "../output/output-format.js";
import { formatTable } from "../output/table.js";
import { describeVersion } from "./version-command.js";

/** What a runtime says of itself. */
export interface RuntimeFacts {
  readonly endpoint: string;
  /** Undefined for a runtime whose engine is away. */
  readonly version: VersionResponse | undefined;
  readonly status: StatusResponse;
  /** Its own details: CRI's `info`, with its JSON read. */
  readonly info: Readonly<Record<string, unknown>>;
}

/** What a row has before its text. */
const indent = "  ";

/**
 * Describes a runtime for people.
 *
 * @param width Columns of the terminal.
 */
export async function describeRuntime(facts: RuntimeFacts, width: number): Promise<string> {
  const { endpoint, version, status, info } = facts;
  const sections = [
    formatFields(
      [
        ["Runtime:", version ? describeVersion(version) : "unknown, it could not tell its version"],
        ["Endpoint:", endpoint],
        [
          "Features:",
          `supplemental groups policy: ${yesNo(status.features?.supplementalGroupsPolicy)}`,
        ],
      ],
      width,
    ),
    `Conditions:\n${formatFields(status.status?.conditions.map(describeCondition) ?? [], width, indent)}`,
    describeHandlers(status),
    ...(await describeDetails(info, width)),
  ];
  return sections.filter((section) => section !== "").join("\n");
}

function describeCondition(condition: {
  type: string;
  status: boolean;
  reason: string;
  message: string;
}): [name: string, text: string] {
  const why = [condition.reason, condition.message].filter((part) => part !== "").join(": ");
  return [condition.type, condition.status ? `True   ${why}` : `False  ${why}`];
}

function describeHandlers({ runtimeHandlers }: StatusResponse): string {
  if (runtimeHandlers.length === 0) return "";
  const table = runtimeHandlers.map(({ name, features }) => [
    name || "(default)",
    yesNo(features?.recursiveReadOnlyMounts),
    yesNo(features?.userNamespaces),
  ]);
  const header = ["name", "recursive read-only", "user namespaces"];
  return `Runtime handlers:\n${formatTable(header, table).replace(/^(?=.)/gm, indent)}`;
}

/** Of dockershim what people ask for; of any other runtime all that it tells. */
async function describeDetails(
  info: Readonly<Record<string, unknown>>,
  width: number,
): Promise<string[]> {
  const own = info.info;
  if (!isRecord(own) || !isRecord(own.options)) {
    if (Object.keys(info).length === 0) return [];
    return [`Details:\n${(await formatObject(info, "yaml")).replace(/^(?=.)/gm, indent)}`];
  }
  const { version, instance, options, engine, facts } = own;
  const daemon: [string, string][] = [
    ["Version", `${version}`],
    ["Instance", `${instance}`],
    ...Object.entries(options).flatMap(([key, value]) => describeOption(key, value)),
  ];
  const known = isRecord(engine) && isRecord(facts) ? describeEngine(engine, facts) : [];
  return [
    known.length === 0 ? "" : `Engine:\n${formatFields(known, width, indent)}`,
    `Daemon, with its options as in a configuration file:\n${formatFields(daemon, width, indent)}`,
  ];
}

/** As it is written in a configuration file; what is not set is left out. */
function describeOption(key: string, value: unknown): [key: string, text: string][] {
  if (value === "" || value === undefined) return [];
  if (key.endsWith("Ms")) return [[`${key.slice(0, -2)}:`, formatDuration(Number(value))]];
  return [[`${key}:`, Array.isArray(value) ? `[${value.join(", ")}]` : String(value)]];
}

/** Docker's `GET /info`, and what the daemon made of it. */
function describeEngine(
  engine: Readonly<Record<string, unknown>>,
  facts: Readonly<Record<string, unknown>>,
): [name: string, text: string][] {
  const list = (value: unknown) => (Array.isArray(value) ? value.join(", ") : "");
  const { ContainersRunning, ContainersPaused, ContainersStopped, Images } = engine;
  const security = Array.isArray(engine.SecurityOptions) ? engine.SecurityOptions : [];
  const memory = formatBytes(BigInt(Number(engine.MemTotal ?? 0)));
  return [
    ["Docker", `${engine.ServerVersion}, API ${facts.apiVersion}`],
    [
      "Containers",
      `${ContainersRunning} running, ${ContainersPaused} paused, ${ContainersStopped} stopped`,
    ],
    ["Images", `${Images}`],
    ["Storage", `${engine.Driver} in ${engine.DockerRootDir}`],
    ["Cgroups", `v${facts.cgroupVersion}, driver ${facts.cgroupDriver}`],
    ["Runtimes", `${list(facts.runtimes)} (default: ${facts.defaultRuntime})`],
    ["Security", security.map((option) => String(option).replace(/^name=|,.*/g, "")).join(", ")],
    ["Log driver", `${engine.LoggingDriver}`],
    ["Live restore", yesNo(engine.LiveRestoreEnabled === true)],
    ["Host", `${engine.OperatingSystem}, Linux ${engine.KernelVersion}, ${engine.Architecture}`],
    ["", `${engine.NCPU} CPUs, ${memory} of memory`],
    ...(Array.isArray(engine.Warnings) ? engine.Warnings : []).map((warning): [string, string] => [
      "Warning",
      String(warning).replace(/^WARNING: /, ""),
    ]),
  ];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function yesNo(value: boolean | undefined): string {
  return value ? "yes" : "no";
}
