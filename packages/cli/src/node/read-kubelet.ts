import { readlink } from "node:fs/promises";
import { join } from "node:path";
import { findProcess } from "../machine/node-processes.js";
import { runProgram } from "../machine/run-program.js";
import { readFlags } from "../migrate/migrate-flags.js";
import type { NodePlaces } from "./node-places.js";
import { readIfThere } from "./read-if-there.js";

/** What of the kubelet's configuration matters here; undefined where it is not set. */
export interface KubeletSettings {
  readonly cgroupDriver: string | undefined;
  readonly failCgroupV1: boolean | undefined;
  readonly failSwapOn: boolean | undefined;
  readonly endpoint: string | undefined;
  /** Where it has the folders of pods' logs. */
  readonly podLogsDir: string;
  readonly featureGates: Readonly<Record<string, boolean>>;
  readonly evictionHard: Readonly<Record<string, string>>;
}

export interface KubeletFacts {
  readonly pid: number | undefined;
  /** Such as `1.34.2`; undefined where it is not known. */
  readonly version: string | undefined;
  readonly configFile: string;
  /** Where it keeps its pods. */
  readonly rootDir: string;
  /** undefined where there is no file, a text when it cannot be read. */
  readonly settings: KubeletSettings | string | undefined;
}

/** Where kubeadm puts it. */
export const usualKubeletConfig = "/var/lib/kubelet/config.yaml";

/** Where a kubelet has the folders of pods' logs that was told nothing else. */
export const usualLogsDir = "/var/log/pods";

/**
 * Looks at the kubelet and its configuration. Its flags come before its file, as with the kubelet.
 *
 * @param configFile undefined for the one that the kubelet which runs was told, or the usual one.
 */
export async function readKubelet(
  { root, procDir, path }: NodePlaces,
  configFile: string | undefined,
): Promise<KubeletFacts> {
  const process = await findProcess(procDir, "kubelet");
  const flags = new Map(readFlags(process?.args ?? []).map(({ flag, value }) => [flag, value]));
  const file = configFile ?? flags.get("config") ?? usualKubeletConfig;
  const program =
    process === undefined
      ? "kubelet"
      : await readlink(join(procDir, `${process.pid}`, "exe")).catch(() => "kubelet");
  const { stdout } = await runProgram(program, ["--version"], { path, timeoutMs: 5_000 });
  return {
    pid: process?.pid,
    version: /^Kubernetes v(\S+)/m.exec(stdout)?.[1],
    configFile: file,
    rootDir: flags.get("root-dir") ?? "/var/lib/kubelet",
    settings: await readSettings(join(root, file), flags),
  };
}

async function readSettings(
  file: string,
  flags: ReadonlyMap<string, string>,
): Promise<KubeletFacts["settings"]> {
  const text = await readIfThere(file);
  if (text === undefined) return undefined;
  if (typeof text === "object") return text.problem;
  const { parse } = await import("yaml");
  let content: unknown;
  try {
    content = parse(text);
  } catch (error) {
    return String((error as Error).message).split("\n")[0] ?? "it is no YAML";
  }
  if (typeof content !== "object" || content === null) return "it has no keys with values";
  return toSettings(content as Readonly<Record<string, unknown>>, flags);
}

function toSettings(
  content: Readonly<Record<string, unknown>>,
  flags: ReadonlyMap<string, string>,
): KubeletSettings {
  const text = (key: string): string | undefined => {
    const value = content[key];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const flag = (key: string): boolean | undefined => {
    const value = content[key];
    return typeof value === "boolean" ? value : undefined;
  };
  const gateFlags = (flags.get("feature-gates") ?? "").split(",").flatMap((pair) => {
    const [name = "", value = ""] = pair.split("=");
    return name === "" ? [] : [[name, value === "true"] as const];
  });
  return {
    cgroupDriver: flags.get("cgroup-driver") ?? text("cgroupDriver"),
    failCgroupV1: flag("failCgroupV1"),
    failSwapOn: flag("failSwapOn"),
    endpoint: flags.get("container-runtime-endpoint") ?? text("containerRuntimeEndpoint"),
    podLogsDir: text("podLogsDir") ?? usualLogsDir,
    featureGates: {
      ...valuesOf(content.featureGates, "boolean"),
      ...Object.fromEntries(gateFlags),
    },
    evictionHard: valuesOf(content.evictionHard, "string"),
  };
}

function valuesOf<Kind extends "boolean" | "string">(
  value: unknown,
  kind: Kind,
): Record<string, Kind extends "boolean" ? boolean : string> {
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter(([, each]) => typeof each === kind),
  ) as Record<string, Kind extends "boolean" ? boolean : string>;
}
