import type { DescService } from "@bufbuild/protobuf";
import {
  type CallOptions,
  type Client,
  ConnectError,
  createClient,
  type Transport,
} from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { ImageService, RuntimeService } from "@dockershim/cri-types";
import { type CallTimeouts, callTimeoutMs, wholeTimeoutMs } from "./call-timeout.js";
import { CriClientError } from "./cri-client-error.js";
import { parseEndpoint } from "./endpoint.js";
import { createSocketSession } from "./socket-session.js";
import { type CallInfo, translateError } from "./translate-error.js";

/** The largest message that kubelet and runtimes send or accept, in bytes. */
const maxMessageBytes = 16 * 1024 * 1024;

/** Which runtime is asked, and how long it may take. */
export interface CriClientOptions {
  /** Where the runtime listens, for example `unix:///run/containerd/containerd.sock`. */
  endpoint: string;
  /**
   * Deadline for calls that only read (lists, statuses, stats, Version), in
   * milliseconds; 0 for none. Default: 2000.
   */
  timeoutMs?: number;
  /**
   * Deadline for calls that make the runtime do something, in milliseconds; 0 for
   * none. RunPodSandbox gets twice as much, StopContainer and ExecSync their own
   * timeout on top; pulls and events have no deadline. Default: 120000, as the
   * kubelet's `runtimeRequestTimeout`.
   */
  operationTimeoutMs?: number;
}

/**
 * The two services of a runtime. Every call takes `timeoutMs` (0 for none) and `signal`
 * as options, and throws CriClientError and nothing else. Leaving the loop over a
 * streaming call ends the call.
 */
export interface CriClient {
  /** The endpoint as it was given. */
  readonly endpoint: string;
  readonly runtime: Client<typeof RuntimeService>;
  readonly image: Client<typeof ImageService>;
  /** Another service on the same socket, whose calls have the same options and errors. */
  service<Service extends DescService>(service: Service): Client<Service>;
  /** Ends the connection and every call that is still under way (CANCELLED). */
  close(): void;
}

/**
 * Makes a client for the container runtime behind a unix socket. It connects at the
 * first call, keeps that connection, and makes a new one after the runtime has been
 * restarted.
 *
 * @throws CriClientError INVALID_ARGUMENT for an endpoint that is no unix socket.
 */
export function createCriClient(options: CriClientOptions): CriClient {
  const { endpoint, timeoutMs = 2_000, operationTimeoutMs = 120_000 } = options;
  const socketPath = parseEndpoint(endpoint);
  // gRPC servers on a unix socket expect this authority from every client.
  const baseUrl = "http://localhost";
  const session = createSocketSession(baseUrl, socketPath);
  const transport = createGrpcTransport({
    baseUrl,
    sessionManager: session,
    readMaxBytes: maxMessageBytes,
    writeMaxBytes: maxMessageBytes,
    // Compressing for a socket on the same machine only costs time.
    acceptCompression: [],
  });
  const closing = new AbortController();
  const calls: CallContext = {
    endpoint,
    timeouts: { timeoutMs, operationTimeoutMs },
    closed: closing.signal,
  };
  return {
    endpoint,
    runtime: createServiceClient(RuntimeService, transport, calls),
    image: createServiceClient(ImageService, transport, calls),
    service: (service) => createServiceClient(service, transport, calls),
    close() {
      closing.abort(new Error("the client was closed"));
      session.destroy();
    },
  };
}

interface CallContext {
  endpoint: string;
  timeouts: CallTimeouts;
  closed: AbortSignal;
}

/** What a method of a Connect client looks like while its types don't matter. */
type UnaryCall = (request: object, options: CallOptions) => Promise<unknown>;
type StreamingCall = (request: object, options: CallOptions) => AsyncIterable<unknown>;

/**
 * A Connect client with our deadlines and errors. Wrapped here and not in an
 * interceptor, because Connect turns what an interceptor throws into its own error.
 */
function createServiceClient<Service extends DescService>(
  service: Service,
  transport: Transport,
  context: CallContext,
): Client<Service> {
  const connectClient = createClient(service, transport) as Record<string, unknown>;
  const client: Record<string, unknown> = {};
  for (const method of service.methods) {
    const { localName, name } = method;
    client[localName] =
      method.methodKind === "unary"
        ? wrapUnary(name, connectClient[localName] as UnaryCall, context)
        : wrapStreaming(name, connectClient[localName] as StreamingCall, context);
  }
  return client as Client<Service>;
}

function wrapUnary(method: string, call: UnaryCall, context: CallContext) {
  return async (request: object, options: CallOptions = {}): Promise<unknown> => {
    const info = describeCall(method, request, options, context);
    const { signal } = info;
    try {
      return await call(request, { ...options, timeoutMs: info.timeoutMs, signal }).catch(
        (error) => {
          if (!wasRefused(error) || signal.aborted) throw error;
          return call(request, { ...options, timeoutMs: timeLeft(info), signal });
        },
      );
    } catch (error) {
      throw translateError(error, info);
    }
  };
}

/**
 * Whether the runtime has refused a call's stream before it looked at the call, as one does that is about to end. Such a
 * call may be made anew, whatever it does (RFC 9113, 8.7), and gRPC's own clients do so once.
 */
function wasRefused(error: unknown): boolean {
  return /error code (?:NGHTTP2_)?REFUSED_STREAM\b/.test(ConnectError.from(error).rawMessage);
}

/** What is left of a call's deadline, in milliseconds; 0 where it has none. */
function timeLeft({ timeoutMs, startedAt }: CallInfo): number {
  return timeoutMs === 0
    ? 0
    : wholeTimeoutMs(Math.max(1, timeoutMs - (performance.now() - startedAt)));
}

function wrapStreaming(method: string, call: StreamingCall, context: CallContext) {
  return async function* (request: object, options: CallOptions = {}): AsyncGenerator<unknown> {
    const info = describeCall(method, request, options, context);
    // Connect leaves the stream open when its reader stops early.
    const leaving = new AbortController();
    try {
      yield* call(request, {
        ...options,
        timeoutMs: info.timeoutMs,
        signal: AbortSignal.any([info.signal, leaving.signal]),
      });
    } catch (error) {
      throw translateError(error, info);
    } finally {
      leaving.abort();
    }
  };
}

function describeCall(
  method: string,
  request: object,
  options: CallOptions,
  { endpoint, timeouts, closed }: CallContext,
): CallInfo {
  if (closed.aborted) {
    const message = `${method}: the client is closed`;
    throw new CriClientError({ code: "CANCELLED", message, endpoint, method });
  }
  const timeoutMs = wholeTimeoutMs(options.timeoutMs ?? callTimeoutMs(method, request, timeouts));
  const signal = options.signal ? AbortSignal.any([closed, options.signal]) : closed;
  return { endpoint, method, timeoutMs, startedAt: performance.now(), signal };
}
