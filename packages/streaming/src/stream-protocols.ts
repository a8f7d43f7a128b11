import type { StatusFormat } from "./status.js";

/** Protocols of exec and attach over SPDY. v5 exists over WebSocket only. */
export const spdyTerminalProtocols: readonly string[] = [
  "v4.channel.k8s.io",
  "v3.channel.k8s.io",
  "v2.channel.k8s.io",
  "channel.k8s.io",
];

/** The protocol of port-forward over SPDY. */
export const spdyPortForwardProtocol = "portforward.k8s.io";

/** SPDY port-forward inside a WebSocket. Its slash is illegal in a subprotocol, but real. */
export const tunnelProtocol = "SPDY/3.1+portforward.k8s.io";

/** How a WebSocket subprotocol frames its channels. */
export interface ChannelProtocol {
  readonly encoding: "binary" | "base64";
  /** v5: a message on channel 255 half-closes the channel it names. */
  readonly halfClose: boolean;
  readonly statusFormat: StatusFormat;
}

const oldBinary: ChannelProtocol = {
  encoding: "binary",
  halfClose: false,
  statusFormat: "text",
};
const oldBase64: ChannelProtocol = { ...oldBinary, encoding: "base64" };
const v4Binary: ChannelProtocol = { ...oldBinary, statusFormat: "json" };
const v4Base64: ChannelProtocol = { ...v4Binary, encoding: "base64" };
const v5Binary: ChannelProtocol = { ...v4Binary, halfClose: true };

/** Subprotocols of exec and attach; the empty name is a client that asked for none. */
export const webSocketTerminalProtocols: ReadonlyMap<string, ChannelProtocol> = new Map([
  ["", oldBinary],
  ["channel.k8s.io", oldBinary],
  ["base64.channel.k8s.io", oldBase64],
  ["v4.channel.k8s.io", v4Binary],
  ["v4.base64.channel.k8s.io", v4Base64],
  ["v5.channel.k8s.io", v5Binary],
]);

/** Subprotocols of port-forward with a pair of channels per port. */
export const webSocketPortForwardProtocols: ReadonlyMap<string, ChannelProtocol> = new Map([
  ["", v4Binary],
  ["v4.channel.k8s.io", v4Binary],
  ["v4.base64.channel.k8s.io", v4Base64],
]);

/** The names in a header that lists protocols, the client's favourite first. */
export function parseProtocolHeader(value: string | string[] | undefined): string[] {
  const text = Array.isArray(value) ? value.join(",") : (value ?? "");
  return text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}
