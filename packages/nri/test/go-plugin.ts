import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The program built from test/go-plugin, a plugin on upstream's stub; or why there is none. */
export type GoPlugin =
  | { readonly available: true; readonly path: string; readonly folder: string }
  | { readonly available: false; readonly reason: string };

/** Builds it into a folder that the caller removes. Go's own cache makes it quick after the first time. */
export async function buildGoPlugin(): Promise<GoPlugin> {
  const folder = await mkdtemp(join(tmpdir(), "nri-go-"));
  const path = join(folder, "plugin");
  try {
    const options = {
      cwd: join(import.meta.dirname, "go-plugin"),
      env: { ...process.env, GOFLAGS: "-mod=readonly", GOWORK: "off", CGO_ENABLED: "0" },
    };
    await run("go", ["build", "-o", path, "."], options);
    return { available: true, path, folder };
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    const reason = code === "ENOENT" ? "go is not on PATH" : `go cannot build it: ${stderr}`;
    return { available: false, reason };
  }
}

/** What it has written: one event each. */
export interface ToldByGo {
  readonly event: string;
  readonly [field: string]: unknown;
}

/** Starts it as a plugin that connects by itself. */
export function startGoPlugin(
  path: string,
  socketPath: string,
  id: string,
  config: object = {},
): { readonly process: ChildProcess; readonly told: ToldByGo[] } {
  const [index = "", name = ""] = id.split("-");
  const flags = [`-idx=${index}`, `-name=${name}`, `-socket=${socketPath}`];
  const process = spawn(path, [...flags, `-config=${JSON.stringify(config)}`], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const told: ToldByGo[] = [];
  createInterface({ input: process.stdout }).on("line", (line) => told.push(JSON.parse(line)));
  return { process, told };
}
