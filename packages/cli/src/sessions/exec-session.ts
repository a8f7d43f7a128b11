import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { WebSocket } from "ws";
import { CliError } from "../cli-error.js";
import { sessionUrl } from "../runtime/session-url.js";

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
 * code. Neither side is read faster than the other one takes it.
 *
 * @throws CliError `failure` when the session cannot be opened, breaks, or reports an error.
 */
export async function runExecSession(url: string, terminal: SessionTerminal): Promise<number> {
  const { stdin, stdout, stderr, tty } = terminal;
  const socket = openSocket(url);
  const closed = new Promise((resolve) => socket.once("close", resolve));
  const status = receive(socket, stdout, stderr);
  await opened(socket, url);
  // From here on, what breaks the connection also closes it.
  socket.on("error", () => undefined);
  const release = tty ? joinTerminal(socket, stdin, stdout) : () => undefined;
  const stopInput = stdin === undefined ? () => undefined : joinInput(socket, stdin);
  try {
    await closed;
  } finally {
    release();
    stopInput();
  }
  for (const output of [stdout, stderr]) if (output.writableNeedDrain) await once(output, "drain");
  return exitCodeOf(status());
}

function openSocket(url: string): WebSocket {
  const absolute = sessionUrl(url);
  absolute.protocol = absolute.protocol.replace("http", "ws");
  return new WebSocket(absolute, protocols, { perMessageDeflate: false });
}

async function opened(socket: WebSocket, url: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const fail = (why: string, cause?: unknown): void =>
    reject(
      new CliError("failure", `cannot reach the streaming server at ${new URL(url).host}: ${why}`, {
        cause,
      }),
    );
  socket.once("open", resolve);
  socket.once("error", (error) => fail(error.message, error));
  socket.once("unexpected-response", async (_request, response: IncomingMessage) => {
    const body = await text(response).catch(() => "");
    fail(`it answered ${response.statusCode} ${body.trim()}`.trim());
    socket.terminate();
  });
  await promise;
}

/**
 * Writes output where it belongs.
 *
 * @returns Gives the status so far, which is complete when the socket is closed.
 */
function receive(socket: WebSocket, stdout: Writable, stderr: Writable): () => string {
  let status = "";
  let full = 0;
  const write = (output: Writable, bytes: Buffer): void => {
    if (output.write(bytes) || output.listenerCount("drain", onDrain) > 0) return;
    full += 1;
    socket.pause();
    output.once("drain", onDrain);
  };
  function onDrain(): void {
    full -= 1;
    if (full === 0) socket.resume();
  }
  socket.on("message", (message: Buffer) => {
    const bytes = message.subarray(1);
    if (message[0] === channel.stdout) write(stdout, bytes);
    else if (message[0] === channel.stderr) write(stderr, bytes);
    else if (message[0] === channel.status) status += bytes.toString();
  });
  return () => status;
}

function send(socket: WebSocket, to: number, bytes: Uint8Array, sent?: () => void): void {
  socket.send(Buffer.concat([Buffer.from([to]), bytes]), sent);
}

/** @returns Ends the input. */
function joinInput(socket: WebSocket, stdin: Readable): () => void {
  const onInput = (chunk: Buffer): void => {
    send(socket, channel.stdin, chunk, () => {
      if (socket.bufferedAmount <= maxWaiting) stdin.resume();
    });
    if (socket.bufferedAmount > maxWaiting) stdin.pause();
  };
  const onInputEnd = (): void => {
    if (socket.protocol === protocols[0]) send(socket, channel.close, Buffer.from([channel.stdin]));
  };
  stdin.on("data", onInput).on("end", onInputEnd);
  return () => {
    stdin.off("data", onInput).off("end", onInputEnd).destroy();
  };
}

/**
 * Hands each key on as it is pressed, and the size of the window.
 *
 * @returns Gives the terminal back as it was.
 */
function joinTerminal(
  socket: WebSocket,
  keyboard: (Readable & TerminalEnds) | undefined,
  screen: Writable & TerminalEnds,
): () => void {
  const sendSize = (): void => {
    const { columns: Width, rows: Height } = screen;
    if (!Width || !Height) return;
    send(socket, channel.resize, Buffer.from(JSON.stringify({ Width, Height })));
  };
  keyboard?.setRawMode?.(true);
  sendSize();
  screen.on("resize", sendSize);
  return () => {
    screen.off("resize", sendSize);
    keyboard?.setRawMode?.(false);
  };
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
