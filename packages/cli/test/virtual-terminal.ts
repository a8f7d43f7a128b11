import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { until } from "@dockershim/testing";
import xterm from "@xterm/headless";
import { bin } from "./dockershim-bin.js";

export interface Screen {
  /** What is on it, without spaces at the ends of lines, and without empty lines below. */
  text(): string;
  press(keys: string): void;
  /** Waits until what is on it has this, and returns all of it. */
  shows(expected: string | RegExp): Promise<string>;
  resize(columns: number, rows: number): void;
  /** Whether the screen is the one that programs take whole, and whether there is a cursor. */
  isAlternate(): boolean;
  hasCursor(): boolean;
  /** All bytes since the start. */
  written(): string;
  /** The process that runs in it. */
  pid(): number;
  /** Waits for the end of what runs in it, with its exit code. */
  ended(): Promise<number | null>;
}

/** Runs the command in a pseudo-terminal with a screen that can be looked at. */
export function startInTerminal(
  args: readonly string[],
  env: Record<string, string>,
  { columns, rows } = { columns: 80, rows: 24 },
): Screen {
  const terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
  const command = [process.execPath, bin, ...args].map((word) => `'${word}'`).join(" ");
  const child = spawn(
    "script",
    ["-qefc", `stty rows ${rows} cols ${columns}; exec ${command}`, "/dev/null"],
    {
      stdio: ["pipe", "pipe", "inherit"],
      env: { PATH: process.env.PATH ?? "", TERM: "xterm-256color", ...env },
    },
  );
  const closed = once(child, "close");
  let written = "";
  child.stdout.on("data", (data) => {
    written += data;
    terminal.write(data);
  });
  function text(): string {
    const { active } = terminal.buffer;
    const lines = Array.from({ length: terminal.rows }, (_, row) =>
      (active.getLine(active.viewportY + row)?.translateToString(true) ?? "").trimEnd(),
    );
    return lines.join("\n").trimEnd();
  }
  return {
    text,
    written: () => written,
    press: (keys) => void child.stdin.write(keys),
    async shows(expected) {
      const isThere = (): boolean =>
        typeof expected === "string" ? text().includes(expected) : expected.test(text());
      await until(isThere).catch(() => {
        throw new Error(`there is no ${expected} on the screen:\n${text()}`);
      });
      return text();
    },
    resize(newColumns, newRows) {
      terminal.resize(newColumns, newRows);
      const tty = readlinkSync(`/proc/${inner(child)}/fd/0`);
      execFileSync("stty", ["-F", tty, "rows", `${newRows}`, "cols", `${newColumns}`]);
    },
    isAlternate: () => terminal.buffer.active.type === "alternate",
    hasCursor: () => written.lastIndexOf("\u001b[?25h") >= written.lastIndexOf("\u001b[?25l"),
    pid: () => inner(child),
    async ended() {
      const [code] = await closed;
      return code as number | null;
    },
  };
}

/** The process that script(1) has started. */
function inner({ pid }: ChildProcess): number {
  for (const each of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${each}/stat`, "utf8");
      if (Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === pid) return Number(each);
    } catch {
      // It has just ended.
    }
  }
  throw new Error("nothing runs in the terminal");
}
