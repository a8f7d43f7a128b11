import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { runSession, type SessionTransport, type TerminalRequest } from "./exec-session.js";
import { ResizeQueue, readResizeEvents } from "./resize.js";
import type { SessionContext } from "./session-registry.js";
import type { ChannelProtocol } from "./stream-protocols.js";
import { WebSocketChannels } from "./websocket-channels.js";

/** The channels of exec and attach. */
const channelOf = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;
/** Input that the process did not read yet. */
const receiveBufferBytes = 256 * 1024;

/** Serves an exec or attach session on a WebSocket; resolves when all of it is over. */
export async function serveTerminalWebSocket(
  socket: WebSocket,
  protocol: ChannelProtocol,
  request: TerminalRequest,
  context: SessionContext,
): Promise<void> {
  const resize = new ResizeQueue();
  const abort = new AbortController();
  const closed = Promise.withResolvers<void>();
  let runtimeDone = false;

  const channels = new WebSocketChannels(socket, {
    protocol,
    count: Object.keys(channelOf).length,
    idleTimeoutMs: context.idleTimeoutMs,
    receiveBufferBytes,
    onEnd(reason) {
      resize.end();
      if (!runtimeDone && reason !== null) abort.abort(reason);
      context.log.debug("terminal session ended", { kind: request.kind, reason: reason?.message });
    },
    onClosed: closed.resolve,
  });
  const leave = context.registry.add({
    streams: () => channels.openChannels,
    forwards: () => 0,
    bufferedBytes: () => channels.receiveBudget.bytes,
    end: (reason) => channels.close(reason),
  });

  /** A channel the request asked for; what a client sends on any other is discarded. */
  function open(name: "stdin" | "stdout" | "stderr"): Duplex | null {
    const channel = channels.channel(channelOf[name]);
    if (name !== "stdin" || !request.stdin) channel.resume();
    return request[name] ? channel : null;
  }

  const stdin = open("stdin");
  const stdout = open("stdout");
  const stderr = open("stderr");
  const error = channels.channel(channelOf.error);
  error.resume();
  readResizeEvents(channels.channel(channelOf.resize), resize);
  channels.greet(
    request.stdout ? channelOf.stdout : request.stderr ? channelOf.stderr : channelOf.error,
  );

  const transport: SessionTransport = {
    stdin,
    stdout,
    stderr,
    error,
    resize,
    statusFormat: protocol.statusFormat,
    signal: abort.signal,
    runtimeDone() {
      runtimeDone = true;
    },
  };
  await runSession(context.runtime, request, transport);
  channels.close();
  await closed.promise;
  leave();
}
