import { spawn } from "node:child_process";
import { once } from "node:events";
import { isSea } from "node:sea";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import type { ReadStream, WriteStream } from "node:tty";
import type { CriClient } from "@dockershim/cri-client";
import { Option } from "commander";
import { CliError, messageOf } from "../cli-error.js";
import { describeContainer } from "../describe/describe-container.js";
import { describePod } from "../describe/describe-pod.js";
import { stopObject } from "../lifecycle/stop-object.js";
import { createFinder } from "../objects/find-object.js";
import { parseDuration } from "../output/duration.js";
import { openFullScreen } from "../output/full-screen.js";
import { hasColour, isTerminal, type Terminal } from "../output/terminal.js";
import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "../runtime/runtime-options.js";
import { drawTop, pageOf } from "./top-picture.js";
import { rowName, type TopOrder, type TopRow, topOrders } from "./top-rows.js";
import { createTopReader } from "./top-snapshot.js";
import { initialState, onKey, type TopState, type Wish } from "./top-state.js";

interface TopOptions {
  interval: number;
  sortBy: TopOrder;
  filter: string;
}

/** How long what is killed here may take to end by itself, in milliseconds. */
const graceMs = 10_000;

/** `dockershim top` */
export const defineTop: DefineCommand = (command, { terminal }) => {
  command
    .addOption(
      new Option("--interval <duration>", "time between two readings")
        .default(2_000, "2s")
        .argParser((text: string) => parseDuration(text, "--interval")),
    )
    .addOption(
      new Option("--sort-by <column>", "those with the most of it first, or by name")
        .choices(topOrders)
        .default("cpu"),
    )
    .option("--filter <text>", "only what has this in its name", "");
  addDebugOption(addRuntimeOptions(command));
  command.addHelpText("after", "\nIts keys are under ? on its screen.");
  command.action((options: TopOptions) => {
    const stdin = terminal.stdin ?? process.stdin;
    if (!isTerminal(stdin) || !isTerminal(terminal.stdout)) {
      throw new CliError("usage", "top: it needs a terminal; dockershim stats prints once");
    }
    // A line of what is waited for would be drawn over the screen.
    const silent = { ...terminal, stderr: new PassThrough().resume() };
    const [keyboard, screen] = [stdin as ReadStream, terminal.stdout as unknown as WriteStream];
    return withRuntime(command, silent, (client) =>
      runTop(client, options, keyboard, screen, terminal),
    );
  });
};

/** Draws and reads on until it is left. */
async function runTop(
  client: CriClient,
  { interval, sortBy, filter }: TopOptions,
  stdin: ReadStream,
  stdout: WriteStream,
  terminal: Terminal,
): Promise<void> {
  const read = createTopReader(client, terminal.now);
  const left = Promise.withResolvers<void>();
  let state = initialState(sortBy, filter);
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;

  const draw = (): void => screen.draw(drawTop(state, screen.size, hasColour(terminal)));
  const become = (next: Partial<TopState>): void => {
    state = { ...state, ...next };
    draw();
  };
  const screen = openFullScreen(stdin, stdout, {
    key(key) {
      const answer = onKey(state, key, pageOf(screen.size));
      become(answer.state);
      if (answer.wish) void grant(answer.wish);
    },
    resize: draw,
  });

  async function refresh(): Promise<void> {
    try {
      become({ snapshot: await read(), problem: undefined });
    } catch (error) {
      become({ problem: messageOf(error) });
    }
    if (!isOver) timer = setTimeout(refresh, interval);
  }

  async function grant(wish: Wish): Promise<void> {
    if (wish.kind === "quit") {
      left.resolve();
      return;
    }
    const { row } = wish;
    try {
      switch (wish.kind) {
        case "describe":
          become({ mode: { kind: "text", text: await describe(client, row, terminal), from: 0 } });
          break;
        case "stop":
          await stopObject(client, await findRow(client, row), graceMs);
          become({ said: `${rowName(row)} stopped` });
          break;
        case "logs":
          await screen.suspend(() =>
            runOther(client, ["logs", "--tail", "100", "-f", row.id], "inherit"),
          );
          draw();
          break;
        case "shell":
          become({
            said: await screen.suspend(() =>
              runOther(client, ["exec", "-it", row.id, "sh"], "pipe"),
            ),
          });
          break;
      }
    } catch (error) {
      become({ said: messageOf(error) });
    }
  }

  try {
    draw();
    await Promise.race([left.promise, refresh().then(() => left.promise)]);
  } finally {
    isOver = true;
    clearTimeout(timer);
    screen.close();
  }
}

async function findRow(client: CriClient, { kind, id }: TopRow) {
  return await createFinder(client, [kind])(id);
}

async function describe(client: CriClient, row: TopRow, { now }: Terminal): Promise<string> {
  const found = await findRow(client, row);
  return found.kind === "container"
    ? await describeContainer(client, found, now())
    : await describePod(client, found, now());
}

/**
 * Another command of ours on the same terminal. Its Ctrl-C does not end this one, whose screen is suspended.
 *
 * @param stderr `pipe` where only failures of ours are written there.
 * @returns What it has said there last.
 */
async function runOther(
  { endpoint }: CriClient,
  args: readonly string[],
  stderr: "inherit" | "pipe",
): Promise<string> {
  // The executable is the command itself, without a script.
  const own = isSea() ? [] : process.argv.slice(1, 2);
  const all = [...process.execArgv, ...own, "-r", endpoint, ...args];
  const child = spawn(process.execPath, all, { stdio: ["inherit", "inherit", stderr] });
  const [said] = await Promise.all([
    child.stderr === null ? "" : text(child.stderr),
    once(child, "close"),
  ]);
  return said.trim();
}
