import type { Duplex } from "node:stream";
import { NriError } from "./nri-error.js";

/** The connection over which the runtime calls the plugin. */
export const pluginConnection = 1;
/** The connection over which the plugin calls the runtime. */
export const runtimeConnection = 2;

/** One of the connections that share a socket: bytes in order, no ends of their own. */
export interface MuxConnection {
  send(bytes: Uint8Array): void;
  /** Ends the socket, and with it every connection on it. */
  end(reason: NriError): void;
}

/** A socket that several connections share. */
export interface Mux {
  /**
   * Opens a connection. Nothing is sent for it: the other side is taken to open the same number.
   *
   * @param receive Given each piece as it comes.
   */
  open(id: number, receive: (piece: Uint8Array) => void): MuxConnection;
  /** Ends the socket, once what was sent is written. */
  end(reason: NriError): void;
  /** Resolves with why, once the socket has ended by either side. Never rejects. */
  readonly ended: Promise<NriError>;
}

const headerLength = 8;
/** A frame holds one message of ttrpc at most. */
const maxPayload = (4 << 20) + 10;
/**
 * Upstream's reader takes a frame that is larger than its buffer for an error ("cannot allocate
 * memory"), unless it reads the remainder of a message whose first part fitted: then the buffer is
 * as long as what is missing.
 */
const firstFrame = 4096;
/** What may wait for a peer that does not read; two messages of the largest size. */
const maxUnread = 8 << 20;

/**
 * Multiplexes a socket as NRI does (pkg/net/multiplex of github.com/containerd/nri): each frame has
 * the number of its connection and its length before it, 32 bits each, big-endian. What comes for a
 * connection that is not open is dropped.
 */
export function multiplex(trunk: Duplex): Mux {
  const connections = new Map<number, (piece: Uint8Array) => void>();
  const { promise: ended, resolve } = Promise.withResolvers<NriError>();
  let over = false;

  function end(reason: NriError): void {
    if (over) return;
    over = true;
    // What was sent is still written, unless the peer may not read it.
    if (reason.code === "timeout" || reason.code === "protocol_error") trunk.destroy();
    else trunk.end(() => trunk.destroy());
    resolve(reason);
  }

  function send(id: number, bytes: Uint8Array): void {
    if (over) return;
    trunk.cork();
    for (const payload of [bytes.subarray(0, firstFrame), bytes.subarray(firstFrame)]) {
      if (payload.length === 0) continue;
      const header = Buffer.allocUnsafe(headerLength);
      header.writeUInt32BE(id, 0);
      header.writeUInt32BE(payload.length, 4);
      trunk.write(header);
      trunk.write(payload);
    }
    trunk.uncork();
    if (trunk.writableLength > maxUnread) {
      end(new NriError("protocol_error", `the peer left ${trunk.writableLength} bytes unread`));
    }
  }

  const read = createFrameReader(
    (id, piece) => connections.get(id)?.(piece),
    (problem) => end(new NriError("protocol_error", problem)),
  );
  trunk.on("data", (chunk: Uint8Array) => {
    if (!over) read(chunk);
  });
  trunk.on("error", (error) => end(NriError.from(error, "closed")));
  trunk.on("close", () => end(new NriError("closed", "the connection was closed")));
  trunk.on("end", () => end(new NriError("closed", "the peer closed the connection")));

  return {
    ended,
    end,
    open(id, receive) {
      connections.set(id, receive);
      return { send: (bytes) => send(id, bytes), end };
    },
  };
}

/** Takes the frames off a stream. Payloads are passed on in the pieces in which they come. */
function createFrameReader(
  deliver: (id: number, piece: Uint8Array) => void,
  refuse: (problem: string) => void,
): (chunk: Uint8Array) => void {
  const header = Buffer.alloc(headerLength);
  let filled = 0;
  let left = 0;
  let refused = false;
  return (chunk) => {
    let at = 0;
    while (at < chunk.length && !refused) {
      if (left > 0) {
        const piece = chunk.subarray(at, at + left);
        left -= piece.length;
        at += piece.length;
        deliver(header.readUInt32BE(0), piece);
        continue;
      }
      header[filled++] = chunk[at++] ?? 0;
      if (filled < headerLength) continue;
      filled = 0;
      left = header.readUInt32BE(4);
      if (left > maxPayload) {
        refused = true;
        refuse(`a frame of ${left} bytes, and ${maxPayload} are the most`);
      }
    }
  };
}
