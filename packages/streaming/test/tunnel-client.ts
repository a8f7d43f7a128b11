import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { requestUpgrade } from "../src/request-upgrade.js";

/**
 * The client side of a byte stream in a WebSocket, by hand: libraries refuse the slash in the
 * name of the tunnel's subprotocol, on either side.
 */
export class TunnelClient extends Duplex {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  /** The code of the server's close message. */
  closeCode: number | null = null;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#parse();
    });
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.push(null));
  }

  sendFrame(opcode: number, payload: Buffer): void {
    const header =
      payload.length < 126
        ? Buffer.from([0x80 | opcode, 0x80 | payload.length])
        : Buffer.from([0x80 | opcode, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0, 0]);
    if (payload.length >= 126) header.writeUInt32BE(payload.length, 6);
    const mask = randomBytes(4);
    const masked = payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0));
    this.#socket.write(Buffer.concat([header, mask, masked]));
  }

  #parse(): void {
    for (;;) {
      const bytes = this.#received;
      if (bytes.length < 2) return;
      let length = bytes.readUInt8(1) & 0x7f;
      let start = 2;
      if (length === 126 && bytes.length >= 4) {
        length = bytes.readUInt16BE(2);
        start = 4;
      } else if (length === 127 && bytes.length >= 10) {
        length = bytes.readUInt32BE(6);
        start = 10;
      } else if (length > 125) {
        return;
      }
      if (bytes.length < start + length) return;
      const payload = bytes.subarray(start, start + length);
      this.#received = bytes.subarray(start + length);
      const opcode = bytes.readUInt8(0) & 0x0f;
      if (opcode === 2) {
        this.push(payload);
      } else if (opcode === 8) {
        this.closeCode = payload.readUInt16BE(0);
        this.#socket.end();
      }
    }
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.sendFrame(2, chunk);
    callback();
  }

  override _final(callback: () => void): void {
    this.sendFrame(8, Buffer.from([0x03, 0xe8]));
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#socket.destroy();
    callback(error);
  }
}

/** Opens a tunnel; rejects if the server does not choose the tunnel's protocol. */
export async function dialTunnel(url: string): Promise<TunnelClient> {
  const name = "SPDY/3.1+portforward.k8s.io";
  const result = await requestUpgrade(
    url,
    {
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
      "Sec-WebSocket-Protocol": name,
    },
    { method: "GET" },
  );
  if (!("socket" in result) || result.headers["sec-websocket-protocol"] !== name) {
    throw new Error("the tunnel was refused");
  }
  return new TunnelClient(result.socket);
}
