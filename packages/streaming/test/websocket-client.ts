import { once } from "node:events";
import { WebSocket } from "ws";

/** A message of a server: its channel and the bytes after it. */
export interface ChannelMessage {
  readonly channel: number;
  readonly data: string;
}

/** A WebSocket client that keeps every message, and can wait for the next. */
export interface WebSocketClient {
  readonly socket: WebSocket;
  readonly messages: ChannelMessage[];
  send(channel: number, data: string | Buffer): void;
  /** Resolves when the text received on a channel satisfies the test. */
  until(channel: number, test: (text: string) => boolean): Promise<string>;
  text(channel: number): string;
  readonly closed: Promise<{ code: number }>;
}

export async function dialWebSocket(
  url: string,
  protocol: string | null,
  encoding: "binary" | "base64" = "binary",
): Promise<WebSocketClient> {
  const socket = new WebSocket(url.replace(/^http/, "ws"), protocol === null ? [] : [protocol]);
  const messages: ChannelMessage[] = [];
  const waiting = new Set<() => void>();
  const closed = new Promise<{ code: number }>((resolve) => {
    socket.on("close", (code) => resolve({ code }));
  });
  socket.on("error", () => {});
  socket.on("message", (message: Buffer, isBinary) => {
    if (isBinary === (encoding === "base64")) throw new Error("a message of the wrong type");
    const first = message.readUInt8(0);
    const rest = message.subarray(1);
    messages.push(
      encoding === "binary"
        ? { channel: first, data: rest.toString("latin1") }
        : {
            channel: first - 0x30,
            data: Buffer.from(rest.toString(), "base64").toString("latin1"),
          },
    );
    for (const check of waiting) check();
  });
  const text = (channel: number): string =>
    messages
      .filter((message) => message.channel === channel)
      .map(({ data }) => data)
      .join("");
  const refused = once(socket, "unexpected-response").then(([, response]) => {
    socket.terminate();
    throw new Error(`refused with ${response.statusCode}`);
  });
  refused.catch(() => {});
  await Promise.race([once(socket, "open"), refused]);
  return {
    socket,
    messages,
    closed,
    text,
    send(channel, data) {
      const bytes = Buffer.from(data);
      if (encoding === "binary") socket.send(Buffer.concat([Buffer.from([channel]), bytes]));
      else socket.send(String.fromCharCode(0x30 + channel) + bytes.toString("base64"));
    },
    until(channel, test) {
      return new Promise((resolve, reject) => {
        const check = (): void => {
          if (test(text(channel))) {
            waiting.delete(check);
            resolve(text(channel));
          }
        };
        waiting.add(check);
        void closed.then(() => reject(new Error(`closed with "${text(channel)}"`)));
        check();
      });
    },
  };
}
