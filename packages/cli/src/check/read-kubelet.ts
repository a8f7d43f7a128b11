import { readlink } from "node:fs/promises";
import { join } from "node:path";
import { readFlags } from "../migrate-flags.js";
import { findProcess } from "../node-processes.js";
import { runProgram } from "../run-program.js";
import type { KubeletFacts, KubeletSettings } from "./check-facts.js";
import { readIfThere } from "./read-if-there.js";
import type { NodePlaces } from "./read-node.js";

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
