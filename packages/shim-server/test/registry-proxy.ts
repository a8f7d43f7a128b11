import { randomBytes } from "node:crypto";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";

/** What the proxy does with one request; `pass` sends it on to the registry. */
export type Behaviour = (
  request: IncomingMessage,
  response: ServerResponse,
  pass: () => Promise<void>,
) => void | Promise<void>;

export interface RegistryProxyOptions {
  /** The registry behind it, `host:port`. */
  readonly upstream: string;
  /** Basic authentication for the registry behind it. */
  readonly upstreamAuth?: string;
  /** Serves HTTPS with these. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Where to listen; 127.0.0.1 by default. */
  readonly host?: string;
}

/** A registry that misbehaves on demand, with a real one behind it. */
export interface RegistryProxy {
  /** `host:port`, as an image reference names it. */
  readonly address: string;
  /** All requests so far, as `GET /v2/…`. */
  readonly requests: readonly string[];
  /** Values of `Authorization` so far. */
  readonly authorizations: readonly string[];
  /** Called for every request; passes everything on at first. */
  behaviour: Behaviour;
  /** Cuts all connections and stops listening. */
  close(): Promise<void>;
}

export async function startRegistryProxy(options: RegistryProxyOptions): Promise<RegistryProxy> {
  const requests: string[] = [];
  const authorizations: string[] = [];
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    requests.push(`${request.method} ${request.url}`);
    if (request.headers.authorization) authorizations.push(request.headers.authorization);
    response.on("error", () => undefined);
    const pass = () => passOn(options, request, response);
    void Promise.resolve(proxy.behaviour(request, response, pass)).catch(() => response.destroy());
  };
  const server = options.tls ? https.createServer(options.tls, handle) : http.createServer(handle);
  const host = options.host ?? "127.0.0.1";
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const proxy: RegistryProxy = {
    address: `${host}:${(server.address() as AddressInfo).port}`,
    requests,
    authorizations,
    behaviour: (_request, _response, pass) => pass(),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

function passOn(
  options: RegistryProxyOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [host, port] = options.upstream.split(":");
  const headers: http.OutgoingHttpHeaders = { ...request.headers, host: options.upstream };
  delete headers.authorization;
  if (options.upstreamAuth !== undefined) {
    headers.authorization = `Basic ${Buffer.from(options.upstreamAuth).toString("base64")}`;
  }
  return new Promise((resolve, reject) => {
    const { method, url: path } = request;
    const onward = http.request({ host, port, method, path, headers }, (reply) => {
      response.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(response);
      reply.on("end", resolve).on("error", reject);
    });
    onward.on("error", reject);
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  });
}

/** Whether a request is for the bytes of this blob. */
export function asksFor(request: IncomingMessage, digest: string | undefined): boolean {
  return request.method === "GET" && (request.url ?? "").includes(`/blobs/${digest}`);
}

/** Reads a blob of the registry behind a proxy, for a behaviour that sends it in its own way. */
export async function blobOf(
  { upstream }: Pick<RegistryProxyOptions, "upstream">,
  request: IncomingMessage,
): Promise<Buffer> {
  const reply = await fetch(`http://${upstream}${request.url}`);
  return Buffer.from(await reply.arrayBuffer());
}

/** Answers a request as a registry that wants something else first. */
export function challenge(response: ServerResponse, wanted: string, code = "UNAUTHORIZED"): void {
  response.writeHead(401, { "www-authenticate": wanted, "content-type": "application/json" });
  response.end(JSON.stringify({ errors: [{ code, message: "authentication required" }] }));
}

/**
 * Registry authentication by bearer token: a token server at `/token` of the same address, which
 * takes basic authentication (`GET`) or a refresh token (`POST`, OAuth2).
 */
export function bearerAuth(
  proxy: Pick<RegistryProxy, "address">,
  accept: { password?: string; refreshToken?: string; registryToken?: string },
): Behaviour {
  const issued = new Set(accept.registryToken === undefined ? [] : [accept.registryToken]);
  const issue = (response: ServerResponse): void => {
    const token = randomBytes(8).toString("hex");
    issued.add(token);
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ token, access_token: token, expires_in: 300 }));
  };
  return async (request, response, pass) => {
    if (request.url?.startsWith("/token")) {
      const basic = request.headers.authorization?.replace("Basic ", "") ?? "";
      if (request.method === "GET") {
        const given = Buffer.from(basic, "base64").toString();
        return given !== "" && given === accept.password
          ? issue(response)
          : challenge(response, 'Basic realm="tokens"');
      }
      let form = "";
      for await (const chunk of request) form += chunk;
      const fields = new URLSearchParams(form);
      const refresh = fields.get("refresh_token");
      const password = `${fields.get("username")}:${fields.get("password")}`;
      return (refresh !== null && refresh === accept.refreshToken) || password === accept.password
        ? issue(response)
        : challenge(response, 'Basic realm="tokens"');
    }
    const bearer = request.headers.authorization?.replace("Bearer ", "") ?? "";
    if (issued.has(bearer)) return pass();
    challenge(response, `Bearer realm="http://${proxy.address}/token",service="lab"`);
  };
}
