import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest, type RequestOptions } from "node:https";
import type { Socket } from "node:net";
import { text } from "node:stream/consumers";

/** What a server said instead of upgrading. */
export interface Refused {
  readonly status: number;
  readonly body: string;
  readonly headers: IncomingMessage["headers"];
  readonly rawHeaders: string[];
}

/** An upgraded connection. */
export interface Upgraded {
  readonly socket: Socket;
  readonly head: Buffer;
  readonly headers: IncomingMessage["headers"];
}

/** Sends a request and resolves with what comes of it; rejects with Node's error where there is no answer. */
export function requestUpgrade(
  url: string,
  headers: Record<string, string | string[]>,
  options: RequestOptions = {},
): Promise<Upgraded | Refused> {
  return new Promise((resolve, reject) => {
    const send = url.startsWith("https:") ? httpsRequest : httpRequest;
    const request = send(url, { method: "POST", headers, agent: false, ...options });
    request.on("error", reject);
    request.on("upgrade", (response, socket, head) => {
      resolve({ socket: socket as Socket, head, headers: response.headers });
    });
    request.on("response", (response) => {
      text(response).then((body) => {
        resolve({
          status: response.statusCode ?? 0,
          body,
          headers: response.headers,
          rawHeaders: response.rawHeaders,
        });
      }, reject);
    });
    request.end();
  });
}

/** The headers of a SPDY upgrade. */
export function spdyHeaders(protocols: readonly string[]): Record<string, string | string[]> {
  return {
    Connection: "Upgrade",
    Upgrade: "SPDY/3.1",
    "X-Stream-Protocol-Version": [...protocols],
  };
}
