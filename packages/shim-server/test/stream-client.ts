/** One message of a channel protocol: channel 1 is stdout, 2 stderr, 3 the status. */
export interface StreamClient {
  /** All text of a channel so far. */
  text(channel: number): string;
  bytes(channel: number): number;
  send(channel: number, data: string): void;
  /** Half-closes a channel (v5 only). */
  end(channel: number): void;
  /** Settles when a channel's text passes the test, or fails when the session ends before. */
  until(channel: number, test: (text: string) => boolean): Promise<string>;
  /** The status object, after the session's end. */
  status(): Promise<{ status: string; message?: string; details?: { causes: object[] } }>;
  close(): void;
}

/** Dials a URL of Exec, Attach or PortForward with the WebSocket client that Node has. */
export async function dialStream(
  url: string,
  protocol = "v5.channel.k8s.io",
): Promise<StreamClient> {
  const socket = new WebSocket(url.replace(/^http/, "ws"), protocol);
  socket.binaryType = "arraybuffer";
  const texts = new Map<number, string[]>();
  const checks = new Set<() => void>();
  const closed = Promise.withResolvers<void>();
  const text = (channel: number): string => (texts.get(channel) ?? []).join("");
  socket.addEventListener("message", ({ data }) => {
    const message = Buffer.from(data as ArrayBuffer);
    const channel = message[0] ?? 0;
    texts.set(channel, [...(texts.get(channel) ?? []), message.subarray(1).toString("latin1")]);
    for (const check of checks) check();
  });
  socket.addEventListener("close", () => {
    closed.resolve();
    for (const check of checks) check();
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve, { once: true });
    socket.addEventListener("error", () => reject(new Error(`no upgrade at ${url}`)), {
      once: true,
    });
  });
  return {
    text,
    bytes: (channel) => text(channel).length,
    send(channel, data) {
      socket.send(Buffer.concat([Buffer.from([channel]), Buffer.from(data)]));
    },
    end(channel) {
      socket.send(Buffer.from([255, channel]));
    },
    async until(channel, test) {
      return await new Promise((resolve, reject) => {
        const check = (): void => {
          const done = test(text(channel));
          if (!done && socket.readyState !== WebSocket.CLOSED) return;
          checks.delete(check);
          if (done) resolve(text(channel));
          else reject(new Error(`ended with ${JSON.stringify(Object.fromEntries(texts))}`));
        };
        checks.add(check);
        check();
      });
    },
    async status() {
      await closed.promise;
      return JSON.parse(text(3));
    },
    close() {
      socket.close();
    },
  };
}
