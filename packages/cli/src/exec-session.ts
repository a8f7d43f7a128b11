import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { CliError } from "./cli-error.js";

/** The ends of a session at this side. */
export interface SessionTerminal {
  /** What the command reads; undefined for nothing. */
  readonly stdin: Readable | undefined;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Whether the command has a terminal, which then is ours. */
  readonly tty: boolean;
}

/** v5 can end the command's input; servers that only know v4 keep it open. */
const protocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"];

/** Channels of Kubernetes' WebSocket protocol; 255 half-closes the one that follows. */
const channel = { stdin: 0, stdout: 1, stderr: 2, status: 3, resize: 4, close: 255 } as const;

/** So much input may wait for the network before reading pauses, in bytes. */
const maxWaiting = 1024 * 1024;

/** Both are there on a terminal only. */
interface TerminalEnds {
  setRawMode?: (raw: boolean) => unknown;
  columns?: number;
  rows?: number;
}

/**
 * Joins this terminal with the session behind a URL of CRI's Exec, and returns the command's exit
 * code.
 *
 * @throws CliError `failure` when the session cannot be opened, breaks, or reports an error.
 */
export async function runExecSession(url: string, terminal: SessionTerminal): Promise<number> {
  const { stdin, stdout, stderr, tty } = terminal;
  const screen = stdout as Writable & TerminalEnds;
  const keyboard = stdin as (Readable & TerminalEnds) | undefined;
  const socket = new WebSocket(url.replace(/^http/, "ws"), protocols);
  socket.binaryType = "arraybuffer";
  const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
  let status = "";
  socket.addEventListener("message", ({ data }) => {
    const message = Buffer.from(data as ArrayBuffer);
    const bytes = message.subarray(1);
    if (message[0] === channel.stdout) stdout.write(bytes);
    else if (message[0] === channel.stderr) stderr.write(bytes);
    else if (message[0] === channel.status) status += bytes.toString();
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", () =>
      reject(new CliError("failure", `the runtime's streaming server refused ${url}`)),
    );
  });

  const send = (to: number, bytes: Uint8Array): void =>
    socket.send(Buffer.concat([Buffer.from([to]), bytes]));
  const sendSize = (): void => {
    const { columns: Width, rows: Height } = screen;
    if (Width && Height) send(channel.resize, Buffer.from(JSON.stringify({ Width, Height })));
  };
  const onInput = async (chunk: Buffer): Promise<void> => {
    send(channel.stdin, chunk);
    if (socket.bufferedAmount <= maxWaiting) return;
    stdin?.pause();
    // This WebSocket has no event for it.
    while (socket.bufferedAmount > maxWaiting) await setTimeout(10);
    stdin?.resume();
  };
  const onInputEnd = (): void => {
    if (socket.protocol === protocols[0]) send(channel.close, Buffer.from([channel.stdin]));
  };
  stdin?.on("data", onInput).on("end", onInputEnd);
  if (tty) {
    keyboard?.setRawMode?.(true);
    sendSize();
    stdout.on("resize", sendSize);
  }
  try {
    await closed;
  } finally {
    stdout.off("resize", sendSize);
    if (tty) keyboard?.setRawMode?.(false);
    stdin?.off("data", onInput).off("end", onInputEnd).destroy();
  }
  for (const output of [stdout, stderr]) if (output.writableNeedDrain) await once(output, "drain");
  return exitCodeOf(status);
}

/** Reads the status object that ends a session. */
export function exitCodeOf(text: string): number {
  if (text === "") throw new CliError("failure", "the session broke off before the command ended");
  const status = JSON.parse(text) as {
    status?: string;
    message?: string;
    details?: { causes?: { reason?: string; message?: string }[] };
  };
  if (status.status === "Success") return 0;
  const cause = status.details?.causes?.find(({ reason }) => reason === "ExitCode");
  if (cause === undefined) throw new CliError("failure", status.message ?? text);
  return Number(cause.message);
}
