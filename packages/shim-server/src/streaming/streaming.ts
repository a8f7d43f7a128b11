import { readFileSync } from "node:fs";
import {
  createStreamingServer,
  StreamingError,
  type StreamingServer,
  type StreamingServerOptions,
  type StreamingTls,
} from "@dockershim/streaming";
import type { Logger } from "pino";
import { within } from "../async/within.js";
import type { ExecRunner } from "../exec/exec-process.js";
import { briefMessage } from "../messages/brief-message.js";
import type { ShimOptions } from "../options.js";
import { ShimError } from "../shim-error.js";
import type { EventFeed } from "../state/event-feed.js";
import type { SandboxLookup } from "../state/sandbox-lookup.js";
import { type AttachSessionParts, createAttachSession } from "./attach-session.js";
import { createExecSession } from "./exec-session.js";
import { createNetnsSockets } from "./netns-sockets.js";
import { createPodDialer } from "./pod-dialer.js";
import { createPortForwardSession } from "./port-forward-session.js";

/** How long the processes of cut-off sessions may take to be killed at the end, in ms. */
const cleanupMs = 2_000;

/** The URLs that Exec, Attach and PortForward answer with, and the server behind them. */
export interface Streaming
  extends Pick<StreamingServer, "execUrl" | "attachUrl" | "portForwardUrl" | "stats"> {
  /** Ends all sessions, and the processes of their execs. May be called again. */
  close(): Promise<void>;
}

type StreamingOptions = Pick<
  ShimOptions,
  "streamingBindAddr" | "streamingTlsCertFile" | "streamingTlsKeyFile"
>;

/** What the server and its sessions use. */
export interface StreamingParts extends AttachSessionParts {
  readonly store: AttachSessionParts["store"] & SandboxLookup;
  readonly run: ExecRunner;
  readonly feed: Pick<EventFeed, "ready">;
  readonly options: StreamingOptions;
  readonly log: Logger;
}

/**
 * Starts the streaming server on `--streaming-bind-addr`.
 *
 * @throws Error of listen(2), or StreamingError `invalid_argument` for the address; ShimError
 * `failed_precondition` for a certificate or a key that cannot be used.
 */
export async function startStreaming(parts: StreamingParts): Promise<Streaming> {
  const log = parts.log.child({ part: "streaming" });
  const sockets = createNetnsSockets();
  const running = new Set<Promise<unknown>>();
  let closing: Promise<void> | undefined;

  /**
   * Sessions begin when memory is current, as calls do. They are remembered until they have
   * settled, their cleanup included. What their errors quote may be of any size.
   */
  function tracked<Request, Reply>(call: (request: Request) => Promise<Reply>) {
    return async (request: Request): Promise<Reply> => {
      const reply = parts.feed.ready().then(() => call(request));
      running.add(reply);
      try {
        return await reply;
      } catch (cause) {
        const message = cause instanceof Error ? cause.message : String(cause);
        throw new Error(briefMessage(message), { cause });
      } finally {
        running.delete(reply);
      }
    };
  }

  const tls = readTls(parts.options);
  const server = openServer({
    bindAddr: parts.options.streamingBindAddr,
    ...(tls && { tls }),
    runtime: {
      exec: tracked(createExecSession(parts)),
      attach: tracked(createAttachSession(parts)),
      portForward: tracked(createPortForwardSession(parts.store, createPodDialer(sockets, log))),
    },
    log: {
      debug: (message, fields) => log.debug(fields, message),
      warn: (message, fields) => log.warn(fields, message),
    },
  });
  await server.listen();
  if (tls === undefined && !/^https?:\/\/(?:127\.|\[::1\]|localhost[:/])/.test(server.baseUrl)) {
    log.warn({ url: server.baseUrl }, "exec sessions can be read on their way: there is no TLS");
  }
  log.info({ url: server.baseUrl }, "streaming server listens");
  return {
    execUrl: server.execUrl,
    attachUrl: server.attachUrl,
    portForwardUrl: server.portForwardUrl,
    stats: server.stats,
    close() {
      closing ??= shutDown();
      return closing;
    },
  };

  async function shutDown(): Promise<void> {
    await server.close();
    await within(Promise.allSettled(running), cleanupMs);
    await sockets.close();
  }
}

/** Reads the certificate and its key, if there are any. */
function readTls(options: StreamingOptions): StreamingTls | undefined {
  const { streamingTlsCertFile: certFile, streamingTlsKeyFile: keyFile } = options;
  if (certFile === "") return undefined;
  try {
    return { cert: readFileSync(certFile), key: readFileSync(keyFile) };
  } catch (cause) {
    throw unusable(cause);
  }
}

/** Node judges a certificate and its key when a server is made of them. */
function openServer(options: StreamingServerOptions): StreamingServer {
  if (options.tls === undefined) return createStreamingServer(options);
  try {
    return createStreamingServer(options);
  } catch (cause) {
    if (cause instanceof StreamingError) throw cause;
    throw unusable(cause);
  }
}

function unusable(cause: unknown): ShimError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const options = "streaming-tls-cert-file, streaming-tls-key-file";
  return new ShimError("failed_precondition", `${options}: ${reason}`, { cause });
}
