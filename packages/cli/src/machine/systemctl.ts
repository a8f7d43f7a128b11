import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { CliError } from "../cli-error.js";

/**
 * Runs `systemctl`.
 *
 * @param signal Ends the wait for it; systemd goes on with what it was asked for.
 * @returns What it printed.
 * @throws CliError failure with what it said when it is missing or fails.
 */
export type Systemctl = (args: readonly string[], signal?: AbortSignal) => Promise<string>;

/** @param path Where the program is looked for, as in $PATH. */
export function createSystemctl(path: string | undefined): Systemctl {
  return async (args, signal) => {
    // In a process group of its own, so that Ctrl-C reaches this command only.
    const child = spawn("systemctl", args, {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
      env: { ...process.env, PATH: path, SYSTEMD_PAGER: "", SYSTEMD_COLORS: "0" },
      ...(signal && { signal }),
    });
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    try {
      const [code, stdout, stderr] = await Promise.all([
        ended,
        text(child.stdout),
        text(child.stderr),
      ]);
      if (code === 0) return stdout;
      const why = stderr.trim() || `it ended with ${code}`;
      throw new CliError("failure", `systemctl ${args.join(" ")}: ${why}`);
    } catch (cause) {
      if (signal?.aborted) throw signal.reason;
      if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
      throw new CliError("failure", "systemctl is missing: this node has no systemd", { cause });
    }
  };
}

/** What systemd tells of a unit that it knows. */
export interface UnitProperties {
  readonly name: string;
  readonly active: boolean;
  readonly enabled: boolean;
  readonly masked: boolean;
  /** 0 when it has none. */
  readonly mainPid: number;
  /** Paths of the stream sockets of a socket unit. */
  readonly listen: readonly string[];
  /** What a service runs, as far as it has no quotes and no variables. */
  readonly command: readonly string[];
  /** Units that start it, such as its sockets. */
  readonly triggeredBy: readonly string[];
}

const properties = "Id,LoadState,ActiveState,UnitFileState,MainPID,Listen,TriggeredBy,ExecStart";

/** Asks for units; those that systemd does not know are left out. */
export async function showUnits(
  systemctl: Systemctl,
  names: readonly string[],
): Promise<UnitProperties[]> {
  if (names.length === 0) return [];
  return parseSystemdShow(await systemctl(["show", `--property=${properties}`, ...names]));
}

/** What `systemctl show` prints, a paragraph for each unit. */
export function parseSystemdShow(text: string): UnitProperties[] {
  return text
    .split("\n\n")
    .map(readUnit)
    .filter((unit) => unit !== undefined);
}

function readUnit(text: string): UnitProperties | undefined {
  const values = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [, key = "", value = ""] = /^([^=]+)=(.*)$/.exec(line) ?? [];
    values.set(key, [...(values.get(key) ?? []), value]);
  }
  const one = (key: string): string => values.get(key)?.[0] ?? "";
  if (one("Id") === "" || one("LoadState") === "not-found") return undefined;
  return {
    name: one("Id"),
    active: ["active", "activating", "reloading"].includes(one("ActiveState")),
    enabled: one("UnitFileState").startsWith("enabled"),
    masked: one("LoadState") === "masked",
    mainPid: Number(one("MainPID")),
    listen: (values.get("Listen") ?? []).flatMap((value) => {
      const [, path] = /^(\/.*) \(Stream\)$/.exec(value) ?? [];
      return path === undefined ? [] : [path];
    }),
    command: (/ argv\[\]=(.*?) ; /.exec(one("ExecStart"))?.[1] ?? "").split(" ").filter(isPlain),
    triggeredBy: one("TriggeredBy").split(" ").filter(Boolean),
  };
}

function isPlain(word: string): boolean {
  return word !== "" && !/["'$]/.test(word);
}
