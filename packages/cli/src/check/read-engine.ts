import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createDockerClient } from "@dockershim/docker-client";
import { specFacts } from "@dockershim/shim-server/spec-facts";
import { messageOf } from "../cli-error.js";
import { findProcess } from "../machine/node-processes.js";
import { runProgram } from "../machine/run-program.js";
import type { NodePlaces } from "../node/node-places.js";
import { readIfThere } from "../node/read-if-there.js";
import type { CriuFacts, EngineFacts } from "./check-facts.js";

/** Longest wait for an answer of the engine, in ms. */
const patienceMs = 10_000;

const capSysResource = 1n << 24n;

/** Asks the engine for what it says of itself, and looks at its process. */
export async function readEngine(
  { root, procDir, path }: NodePlaces,
  endpoint: string,
  now: () => number,
): Promise<EngineFacts> {
  const settings = await readDaemonSettings(root);
  const process = await findProcess(procDir, "dockerd");
  const common = {
    endpoint,
    settings,
    process: process === undefined ? undefined : await readScores(procDir, process.pid),
  };
  const docker = createDockerClient({ endpoint, requestTimeoutMs: patienceMs });
  try {
    const [info, version, apiVersion] = await Promise.all([
      docker.info(),
      docker.version(),
      docker.apiVersion(),
    ]);
    const specs = specFacts(info, apiVersion, endpoint);
    const criu = info.ExperimentalBuild ? await readCriu(procDir, process?.pid, path) : undefined;
    return {
      ...common,
      criu,
      problem: "",
      answer: { info, version, apiVersion, specs, at: now() },
    };
  } catch (error) {
    const problem = messageOf(error);
    return { ...common, criu: undefined, problem, answer: undefined };
  } finally {
    await docker.close();
  }
}

async function readDaemonSettings(root: string): Promise<EngineFacts["settings"]> {
  const text = await readIfThere(join(root, "/etc/docker/daemon.json"));
  if (text === undefined) return undefined;
  if (typeof text === "object") return text.problem;
  try {
    const content: unknown = JSON.parse(text);
    if (typeof content !== "object" || content === null || Array.isArray(content)) {
      return "it is no JSON object";
    }
    return content as Readonly<Record<string, unknown>>;
  } catch (error) {
    return (error as Error).message;
  }
}

/**
 * Asks the CRIU that the engine's runtime finds. containerd, and so its shims, have the engine's own $PATH where the
 * engine has started it; else that of the node is as near as can be told.
 */
export async function readCriu(
  procDir: string,
  enginePid: number | undefined,
  ownPath: string,
): Promise<CriuFacts> {
  const environment =
    enginePid === undefined
      ? ""
      : await readFile(join(procDir, `${enginePid}`, "environ"), "utf8").catch(() => "");
  const path = /(?:^|\0)PATH=([^\0]+)/.exec(environment)?.[1] ?? ownPath;
  const options = { path, timeoutMs: patienceMs };
  const told = await runProgram("criu", ["--version"], options);
  const version = /^Version: (\S+)/m.exec(told.stdout)?.[1];
  if (version === undefined) return { version, problem: "" };
  const { code, stdout, stderr } = await runProgram("criu", ["check"], options);
  if (code === 0) return { version, problem: "" };
  const lines = `${stdout}\n${stderr}`.split("\n").map((line) => line.trim());
  const errors = lines.filter((line) => /^Error|^Looks bad/.test(line));
  return { version, problem: errors.join("; ") || `criu check ended with ${code ?? "a signal"}` };
}

async function readScores(procDir: string, pid: number): Promise<EngineFacts["process"]> {
  const folder = join(procDir, `${pid}`);
  const [score, status] = await Promise.all(
    ["oom_score_adj", "status"].map((name) => readFile(join(folder, name), "utf8").catch(() => "")),
  );
  if (!score || !status) return undefined;
  const [, effective = "0"] = /^CapEff:\s*([0-9a-f]+)$/m.exec(status) ?? [];
  return {
    oomScoreAdj: Number(score),
    mayLowerOomScore: (BigInt(`0x${effective}`) & capSysResource) !== 0n,
  };
}
