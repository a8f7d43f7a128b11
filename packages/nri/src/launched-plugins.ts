import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:fs";
import { access, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Duplex, Readable } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { NriError } from "./nri-error.js";
import type { NriObserver } from "./observer.js";
import { identityProblem, type PluginIdentity, parsePluginFile, pluginId } from "./plugin-name.js";

/** A plugin that is started as a process. */
export interface PluginFile {
  readonly identity: PluginIdentity;
  readonly path: string;
  /** Content of its configuration file; empty when it has none. */
  readonly config: string;
}

/** The process of a plugin, and our end of its socket. */
export interface LaunchedPlugin {
  readonly socket: Duplex;
  /** Kills it, and waits for its end and for what it had written to be told. */
  kill(): Promise<void>;
}

/**
 * Finds the plugins of a folder: executable files named INDEX-NAME. Others are told and left out.
 *
 * @param configDir Where INDEX-NAME.conf, or else NAME.conf, is a plugin's configuration.
 */
export async function findPlugins(
  pluginDir: string,
  configDir: string,
  { log }: Pick<NriObserver, "log">,
): Promise<PluginFile[]> {
  const found: PluginFile[] = [];
  for (const file of (await namesIn(pluginDir)).sort()) {
    const path = join(pluginDir, file);
    try {
      if (!(await stat(path)).isFile()) continue;
      await access(path, constants.X_OK);
    } catch {
      continue;
    }
    const identity = parsePluginFile(file);
    const problem = identityProblem(identity);
    if (problem !== undefined) {
      log("warn", "an NRI plugin is left out: its file is not named INDEX-NAME", { path, problem });
      continue;
    }
    try {
      found.push({ identity, path, config: await configOf(identity, configDir) });
    } catch (err) {
      log("warn", "an NRI plugin is left out: its configuration cannot be read", { path, err });
    }
  }
  return found;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw err;
  }
}

async function configOf(identity: PluginIdentity, folder: string): Promise<string> {
  for (const name of [pluginId(identity), identity.name]) {
    try {
      return await readFile(join(folder, `${name}.conf`), "utf8");
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code !== "ENOENT") throw err;
    }
  }
  return "";
}

/**
 * Starts a plugin with its end of a socket as descriptor 3. What it writes goes to the log.
 *
 * @throws NriError `closed` when it cannot be started.
 */
export async function launchPlugin(
  { identity, path }: PluginFile,
  { log }: Pick<NriObserver, "log">,
): Promise<LaunchedPlugin> {
  const child = spawn(path, [], {
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    env: {
      NRI_PLUGIN_NAME: identity.name,
      NRI_PLUGIN_IDX: identity.index,
      NRI_PLUGIN_SOCKET: "3",
    },
  });
  try {
    await once(child, "spawn");
  } catch (err) {
    throw new NriError("closed", `cannot start ${path}: ${(err as Error).message}`, { cause: err });
  }
  for (const stream of [child.stdout, child.stderr]) {
    tellLines(stream, (line) => log("info", line, { plugin: pluginId(identity) }));
  }
  const exited = new Promise<void>((done) => child.once("exit", () => done()));
  const closed = new Promise<void>((done) => child.once("close", () => done()));
  return {
    socket: child.stdio[3] as Duplex,
    async kill() {
      child.kill("SIGKILL");
      await exited;
      // A process of its own may hold its output open.
      await Promise.race([closed, setTimeout(outputMs, undefined, { ref: false })]);
    },
  };
}

/** How long the output of a plugin that has ended is read, in ms. */
const outputMs = 1_000;

/** What a plugin may write without ending its line, in characters; the rest of such a line is lost. */
const longestLine = 4096;

function tellLines(stream: Readable | null, tell: (line: string) => void): void {
  if (stream === null) return;
  stream.on("error", () => undefined);
  const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
  lines.on("line", (line) => tell(line.slice(0, longestLine)));
}
