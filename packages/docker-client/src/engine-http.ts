import { type Agent, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { EngineAgents } from "./agent.js";
import type { ApiVersionNegotiator, NegotiatedVersion } from "./api-version.js";
import { type CallScope, type CallScopes, untilAborted } from "./call-scope.js";
import type { RequestObserver } from "./docker-client.js";
import type { Endpoint } from "./endpoint.js";
import { type EngineRequest, headerOf } from "./engine-request.js";
import { DockerError } from "./errors.js";
import { errorOfReply, isConnectionReset, toDockerError } from "./failure.js";
import { exchange } from "./http-exchange.js";
import { readText } from "./read-body.js";
import { shapeProblem } from "./reply-shape.js";

/** A reply whose body is still to be read. Whoever holds it disposes the scope. */
export interface OpenReply {
  response: IncomingMessage;
  scope: CallScope;
}

/** The engine as a server of HTTP. */
export interface EngineHttp {
  readonly endpoint: string;
  /** The negotiated version. */
  apiVersion(signal?: AbortSignal): Promise<string>;
  /** Sends it and returns the parsed body. */
  json<T>(request: EngineRequest): Promise<T>;
  /** Sends it and drops the body. */
  empty(request: EngineRequest): Promise<void>;
  /** Sends it and returns with the head of the reply. */
  open(request: EngineRequest): Promise<OpenReply>;
  /** Sends it and takes the connection over. */
  hijack(request: EngineRequest): Promise<{ socket: Socket; scope: CallScope }>;
  /** Ends all calls and destroys the connections. */
  close(): void;
}

/** What {@link createEngineHttp} needs. */
export interface EngineHttpOptions {
  endpoint: string;
  parsed: Endpoint;
  requestTimeoutMs: number;
  agents: EngineAgents;
  scopes: CallScopes;
  onRequest?: RequestObserver | undefined;
  /** Made with a way to send, as negotiating takes a request too. */
  createNegotiator: (http: Pick<EngineHttp, "json">) => ApiVersionNegotiator;
}

/** Longest body of an error that is read. */
const maxErrorBytes = 1024 * 1024;

/** Longest reply that is read where the request does not say: a list may tell of a thousand containers. */
const maxReplyBytes = 256 * 1024 * 1024;

/** Makes the HTTP side of a client. */
export function createEngineHttp(options: EngineHttpOptions): EngineHttp {
  const { endpoint, agents, scopes } = options;

  async function send(
    request: EngineRequest,
    hijack: boolean,
  ): Promise<{ reply: IncomingMessage | Socket; scope: CallScope }> {
    const unbounded = hijack || request.timeoutMs === "none";
    const timeoutMs = typeof request.timeoutMs === "number" ? request.timeoutMs : undefined;
    const scope = scopes.open(
      request.operation,
      request.signal,
      unbounded ? undefined : (timeoutMs ?? options.requestTimeoutMs),
    );
    const end = options.onRequest?.(request.operation);
    try {
      const agent = unbounded ? agents.dedicated : agents.pooled;
      const reply = await attempt(request, hijack, agent, scope);
      end?.();
      return { reply, scope };
    } catch (reason) {
      scope.dispose();
      const error = toDockerError(reason, request.operation, endpoint, scope.signal);
      end?.(error);
      throw error;
    }
  }

  /** All callers share one negotiation; its failure is each one's own. */
  async function negotiated(scope: CallScope): Promise<NegotiatedVersion> {
    try {
      return await untilAborted(negotiator.current(), scope.signal);
    } catch (reason) {
      if (reason instanceof DockerError && reason !== scope.signal.reason) {
        const { code, status, engineMessage, cause } = reason;
        const { operation } = scope;
        throw new DockerError({ code, status, engineMessage, operation, cause });
      }
      throw reason;
    }
  }

  /** @param again Why it was sent again already; for each reason it is once. */
  async function attempt(
    request: EngineRequest,
    hijack: boolean,
    agent: Agent,
    scope: CallScope,
    again: { readonly reset?: true; readonly replaced?: true } = {},
  ): Promise<IncomingMessage | Socket> {
    const spoken = request.unversioned ? undefined : await negotiated(scope);
    let reply: IncomingMessage | Socket;
    try {
      reply = await exchange({
        endpoint: options.parsed,
        agent,
        request,
        prefix: spoken === undefined ? "" : `/v${spoken.version}`,
        hijack,
        signal: scope.signal,
      });
    } catch (reason) {
      // The engine may close a kept-alive connection at the moment it is reused. Reading again is
      // harmless; whether a write was executed nobody can know, so those fail.
      if (!again.reset && request.method === "GET" && isConnectionReset(reason)) {
        return attempt(request, hijack, agent, scope, { ...again, reset: true });
      }
      throw reason;
    }
    if (!(reply instanceof IncomingMessage)) return reply;
    const status = reply.statusCode ?? 0;
    const replaced = negotiator.observe(headerOf(reply, "api-version"), spoken);
    if (status >= 200 && status <= 299) return reply;
    const body = await readText(reply, maxErrorBytes, "is cut");
    // An engine of another version refuses the old one before it does anything, so that even a
    // write can be sent again, unless its body was a stream that is used up.
    const repeatable = request.upload === undefined || request.upload instanceof Uint8Array;
    if (replaced && status === 400 && !again.replaced && repeatable) {
      return attempt(request, hijack, agent, scope, { ...again, replaced: true });
    }
    throw errorOfReply(request.operation, status, body);
  }

  async function open(request: EngineRequest): Promise<OpenReply> {
    const { reply, scope } = await send(request, false);
    if (reply instanceof IncomingMessage) return { response: reply, scope };
    reply.destroy();
    scope.dispose();
    throw protocolError(request.operation, "the engine switched protocols unasked");
  }

  async function text(request: EngineRequest): Promise<string> {
    const { response, scope } = await open(request);
    try {
      request.onHead?.();
      return await readText(response, request.maxReplyBytes ?? maxReplyBytes).catch((reason) => {
        throw toDockerError(reason, request.operation, endpoint, scope.signal);
      });
    } finally {
      response.destroy();
      scope.dispose();
    }
  }

  const http: EngineHttp = {
    endpoint,
    open,
    async apiVersion(signal) {
      const scope = scopes.open("apiVersion", signal, options.requestTimeoutMs);
      try {
        return (await negotiated(scope)).version;
      } finally {
        scope.dispose();
      }
    },
    async json<T>(request: EngineRequest) {
      const reply = parseReply(request.operation, await text(request));
      const problem = request.shape && shapeProblem(reply, request.shape);
      if (problem === undefined) return reply as T;
      throw protocolError(request.operation, `the engine's reply makes no sense: ${problem}`);
    },
    async empty(request) {
      await text(request);
    },
    async hijack(request) {
      const { reply, scope } = await send(request, true);
      if (!(reply instanceof IncomingMessage)) return { socket: reply, scope };
      reply.destroy();
      scope.dispose();
      throw protocolError(request.operation, "the engine did not hand over the connection");
    },
    close() {
      scopes.close();
      agents.destroy();
    },
  };
  const negotiator = options.createNegotiator(http);
  return http;
}

function parseReply(operation: string, body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (reason) {
    throw protocolError(operation, "the engine's reply is no JSON", reason);
  }
}

function protocolError(operation: string, engineMessage: string, cause?: unknown): DockerError {
  return new DockerError({ code: "server_error", operation, engineMessage, cause });
}
