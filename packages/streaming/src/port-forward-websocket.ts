import type { WebSocket } from "ws";
import { forwardPort } from "./port-forward.js";
import type { SessionContext } from "./session-registry.js";
import type { ChannelProtocol } from "./stream-protocols.js";
import type { PortForwardUrlRequest } from "./stream-requests.js";
import { WebSocketChannels } from "./websocket-channels.js";

/** Data that the pod's side did not take yet, over all ports. */
const receiveBufferBytes = 4 * 1024 * 1024;

/** The most ports whose channels fit a protocol: base64 names channels by ASCII characters. */
export function maxForwardedPorts(protocol: ChannelProtocol): number {
  return protocol.encoding === "base64" ? 39 : 127;
}

/**
 * Serves the port-forward of older clients: one connection for each port of the request, on
 * channels 2i (data) and 2i + 1 (errors). Resolves when all of it is over.
 */
export async function servePortForwardWebSocket(
  socket: WebSocket,
  protocol: ChannelProtocol,
  request: PortForwardUrlRequest,
  context: SessionContext,
): Promise<void> {
  const { podSandboxId, ports } = request;
  const closed = Promise.withResolvers<void>();
  let active = ports.length;

  const channels = new WebSocketChannels(socket, {
    protocol,
    count: ports.length * 2,
    idleTimeoutMs: context.idleTimeoutMs,
    receiveBufferBytes,
    onEnd(reason) {
      context.log.debug("port-forward session ended", { podSandboxId, reason: reason?.message });
    },
    onClosed: closed.resolve,
  });
  const leave = context.registry.add({
    streams: () => channels.openChannels,
    forwards: () => active,
    bufferedBytes: () => channels.receiveBudget.bytes,
    end: (reason) => channels.close(reason),
  });

  async function serve(port: number, index: number): Promise<void> {
    const data = channels.channel(index * 2);
    const error = channels.channel(index * 2 + 1);
    error.resume();
    const prefix = Buffer.alloc(2);
    prefix.writeUInt16LE(port);
    data.write(prefix);
    error.write(prefix);
    const failure = await forwardPort(context, podSandboxId, port, data);
    if (failure !== null) error.write(failure);
    await Promise.all(
      [data, error].map(
        (channel) =>
          new Promise<void>((resolve) => {
            channel.once("close", resolve);
            channel.end(resolve);
          }),
      ),
    );
    data.resume();
    active--;
  }

  await Promise.all(ports.map(serve));
  channels.close();
  await closed.promise;
  leave();
}
